"""Pictures in memory: each whole, with its small versions for every way of reducing that people use, and random aligned crops
of them. Bicubic (a = -0.5), lanczos (3) and box are Pillow's, mitchell (B = C = 1/3) is ours; all are made from the whole picture,
then cut. `drawn` is the small picture that the drawing program itself made (NAME.small.webp beside NAME.webp, by sheets.mjs);
pictures without one take box instead. Lossy versions follow."""
import glob
import io
import os
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image

Image.MAX_IMAGE_PIXELS = None
KERNELS = {"bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS, "box": Image.BOX, "bilinear": Image.BILINEAR}


Mix = dict[str, float]


def load(folder: str, limit: int | None = None, mix: Mix | None = None) -> list[tuple[np.ndarray, np.ndarray | None, Mix | None]]:
    """Each picture, with the small one that was drawn beside it, if there is one, and a mix of its own instead of the pool's."""
    files = sorted(f for f in glob.glob(f"{folder}/*") if ".small." not in f)[:limit]

    def read(f: str) -> np.ndarray:
        return np.array(Image.open(f).convert("RGB"))

    def both(f: str):
        small = f.rsplit(".", 1)[0] + ".small.webp"
        return read(f), read(small) if os.path.exists(small) else None, mix

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(both, files))


def mitchell(x: float) -> float:
    """Mitchell and Netravali's kernel, B = C = 1/3."""
    x = abs(x)
    if x < 1:
        return (7 * x**3 - 12 * x**2 + 16 / 3) / 6
    if x < 2:
        return (-7 / 3 * x**3 + 12 * x**2 - 20 * x + 32 / 3) / 6
    return 0.0


def reduce(picture: np.ndarray, scale: int, kernel: str) -> np.ndarray:
    """`picture`, whose sides are multiples of `scale`, made smaller."""
    h, w = picture.shape[0] // scale, picture.shape[1] // scale
    if kernel != "mitchell":
        return np.array(Image.fromarray(picture).resize((w, h), KERNELS[kernel]))
    side = (3 * scale + 1) // 2  # pixels beyond those under the small pixel
    weights = torch.tensor([mitchell((i - side + 0.5) / scale - 0.5) for i in range(scale + 2 * side)])
    weights = weights / weights.sum()
    x = torch.from_numpy(picture.copy()).permute(2, 0, 1)[:, None].float()
    x = torch.nn.functional.pad(x, (side,) * 4, mode="replicate")
    x = torch.nn.functional.conv2d(x, weights.view(1, 1, 1, -1), stride=(1, scale))
    x = torch.nn.functional.conv2d(x, weights.view(1, 1, -1, 1), stride=(scale, 1))
    return x[:, 0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()


def squeeze(picture: np.ndarray, quality: int, rnd: random.Random) -> np.ndarray:
    """A lossy round trip: JPEG, mostly with halved chroma, WebP, or AVIF, whose qualities mean more."""
    file = io.BytesIO()
    kind = rnd.random()
    if kind < 0.6:
        Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=rnd.choice([0, 2, 2]))
    elif kind < 0.87:
        Image.fromarray(picture).save(file, "WEBP", quality=quality, method=4)
    else:
        Image.fromarray(picture).save(file, "AVIF", quality=quality - 20, subsampling=rnd.choice(["4:4:4", "4:2:0"]), speed=8)
    return np.array(Image.open(file).convert("RGB"))


class Pool:
    """
    kernels: ways of reducing, with their share of the samples; pictures may have a mix of their own, in which "lossy" stands for the lossy ones
    lossy:   number of lossy versions of each small picture, and their share of the samples where the mix names none
    """

    def __init__(self, pictures, scale, patch, kernels, lossy=0, lossy_share=0.0, quality=(40, 95), threshold=2.0, device="cpu", grid=16, seed=1):
        self.scale, self.patch, self.grid, self.device = scale, patch, grid, device
        rnd = random.Random(seed)
        own = [mix for _, _, mix in pictures if mix]
        names = list(dict.fromkeys([*kernels, *(n for mix in own for n in mix if n != "lossy")]))
        high, versions, meta, places, shares = [], [[] for _ in range(len(names) + lossy)], [], [], []
        high_at = low_at = 0
        for picture, drawn, mix in pictures:
            H, W = picture.shape[0] // scale * scale, picture.shape[1] // scale * scale
            h, w = H // scale, W // scale
            if min(h, w) < patch + grid:
                continue
            picture = picture[:H, :W]
            wanted = {n: (mix or kernels).get(n, 0) for n in names}
            made = {n: drawn[:h, :w] if n == "drawn" and drawn is not None else reduce(picture, scale, "box" if n == "drawn" else n) for n in names if wanted[n]}
            small = [made.get(n, next(iter(made.values()))) for n in names]
            clean = np.array(list(wanted.values()), float)
            lost = (mix["lossy"] / (clean.sum() + mix["lossy"]) if "lossy" in mix else 0) if mix else lossy_share
            clean /= clean.sum()
            small += [squeeze(rnd.choices(small[: len(names)], clean)[0], rnd.randint(*quality), rnd) if lost else small[0] for _ in range(lossy)]
            shares.append(np.concatenate([clean * (1 - lost if lossy else 1), np.full(lossy, lost / max(1, lossy))]))
            for version, s in zip(versions, small):
                version.append(torch.from_numpy(np.ascontiguousarray(s)).reshape(-1, 3))
            grey = torch.from_numpy(small[0].copy()).float().mean(2)
            steps = torch.zeros_like(grey)
            steps[:-1] += (grey[1:] - grey[:-1]).abs()
            steps[:, :-1] += (grey[:, 1:] - grey[:, :-1]).abs()
            score = torch.nn.functional.avg_pool2d(steps[None, None], patch, grid)[0, 0]
            y, x = torch.nonzero(score >= threshold, as_tuple=True)
            fits = (y * grid + patch + grid <= h) & (x * grid + patch + grid <= w)
            y, x = y[fits] * grid, x[fits] * grid
            places.append(torch.stack([torch.full_like(y, len(meta)), y, x], 1))
            meta.append((high_at, low_at, W, w))
            high_at, low_at = high_at + H * W, low_at + h * w
            high.append(torch.from_numpy(picture.copy()).reshape(-1, 3))
        self.high = torch.cat(high).to(device)
        self.low = torch.cat([t for v in versions for t in v]).to(device)
        self.pixels = low_at
        self.meta, self.places = torch.tensor(meta, device=device), torch.cat(places).to(device)
        self.cumulative = torch.tensor(np.cumsum(np.stack(shares), 1), device=device, dtype=torch.float32)

    def __repr__(self):
        return f"{len(self.meta)} pictures, {len(self.high) / 1e6:.0f} Mpx, {len(self.places)} places, {self.cumulative.shape[1]} versions"

    def batch(self, n: int, flat: int = 1, invert: float = 0.0, grey: float = 0.0, framed: float = 0.0):
        """x [n,3,P,P] and y [n,3,sP,sP] in 0..1, turned and mirrored at random; the last `flat` samples are one colour each.
        Shares of the samples are inverted and made grey: alpha is a grey picture, mostly light on dark. Of the share `framed` a part
        of a third to all of the side is seen as a picture of its own, mirrored beyond its borders (the outermost pixels twice), as the
        engine shows pictures to networks: of an icon of 16 pixels all lies at a border."""
        patch, scale, dev = self.patch, self.scale, self.device
        place = self.places[torch.randint(0, len(self.places), (n,), device=dev)]
        shift = torch.randint(0, self.grid, (2, n), device=dev)
        y0, x0 = place[:, 1] + shift[0], place[:, 2] + shift[1]
        meta = self.meta[place[:, 0]]
        cumulative = self.cumulative[place[:, 0]]
        version = (torch.rand(n, 1, device=dev) > cumulative).sum(1).clamp(max=cumulative.shape[1] - 1)
        turn = torch.randint(0, 2, (3, n), device=dev).view(3, n, 1, 1)

        length = torch.randint(patch // 3, patch + 1, (2, n, 1), device=dev)
        length = torch.where(torch.rand(n, 1, device=dev) < framed, length, patch)
        begin = (torch.rand(2, n, 1, device=dev) * (patch - length + 1)).long()

        def mirrored(k, side, axis):
            """Places 0..side-1, those beyond the frame mirrored into it; [n,side]."""
            factor = side // patch
            begins, lengths = begin[axis] * factor, length[axis] * factor
            inside = torch.remainder(k.view(1, side) - begins, 2 * lengths)
            return begins + torch.minimum(inside, 2 * lengths - 1 - inside)

        def gather(side, y0, x0, start, width):
            k = torch.arange(side, device=dev)
            Y, X = mirrored(k, side, 0).view(n, side, 1), mirrored(k, side, 1).view(n, 1, side)
            Y, X = torch.where(turn[0] == 1, X, Y).expand(n, side, side), torch.where(turn[0] == 1, Y, X).expand(n, side, side)
            Y, X = torch.where(turn[1] == 1, side - 1 - Y, Y), torch.where(turn[2] == 1, side - 1 - X, X)
            return start.view(n, 1, 1) + (y0.view(n, 1, 1) + Y) * width.view(n, 1, 1) + x0.view(n, 1, 1) + X

        x = self.low[gather(patch, y0, x0, meta[:, 1] + version * self.pixels, meta[:, 3])].permute(0, 3, 1, 2).float() / 255
        y = self.high[gather(patch * scale, y0 * scale, x0 * scale, meta[:, 0], meta[:, 2])].permute(0, 3, 1, 2).float() / 255
        if invert:
            turned = (torch.rand(n, 1, 1, 1, device=dev) < invert).float()
            x, y = x + turned * (1 - 2 * x), y + turned * (1 - 2 * y)
        if grey:
            one = (torch.rand(n, 1, 1, 1, device=dev) < grey).float()
            channel = int(torch.randint(0, 3, (1,)))
            x = x + one * (x[:, channel : channel + 1] - x)
            y = y + one * (y[:, channel : channel + 1] - y)
        if flat:
            colour = torch.randint(0, 256, (flat, 3, 1, 1), device=dev).float() / 255
            safe = torch.randint(0, 6, (flat, 3, 1, 1), device=dev).float() / 5  # corners and edges of the cube are seldom met by chance
            colour = torch.where(torch.rand(flat, 1, 1, 1, device=dev) < 0.5, safe, colour)
            x = torch.cat([x[:-flat], colour.expand(flat, 3, patch, patch)])
            y = torch.cat([y[:-flat], colour.expand(flat, 3, patch * scale, patch * scale)])
        return x.contiguous(memory_format=torch.channels_last), y
