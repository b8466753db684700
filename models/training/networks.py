"""The networks of upres' own models: plain stacks of 3x3 convolutions with ReLU, one long skip, and a learned linear upsampler
beside them. Such stacks run near the processor's peak in onnxruntime and have a small, exact receptive field (radius = depth + 1
input pixels), so tiles can equal the whole picture bit for bit.

While training, each kernel is the sum of a direct one and a product of three wider ones (1x1, 3x3, 1x1), collapsed in weight
space at every step: more parameters to learn with, none to ship (`plain_state`)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CUDA = torch.cuda.is_available()


def keys_cubic(x: float, a: float = -0.5) -> float:
    """Keys' cubic convolution kernel (1981), a = -0.5 as in MATLAB's imresize."""
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    if x < 2:
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return 0.0


def bicubic_skip(scale: int) -> torch.Tensor:
    """Centred bicubic enlargement as one 5x5 convolution, [3*scale*scale, 3, 5, 5], in the order of pixel_shuffle."""
    k = torch.zeros(3 * scale * scale, 3, 5, 5)
    for c in range(3):
        for py in range(scale):
            for px in range(scale):
                oy, ox = (py + 0.5) / scale - 0.5, (px + 0.5) / scale - 0.5
                w = torch.tensor([[keys_cubic(oy - dy) * keys_cubic(ox - dx) for dx in range(-2, 3)] for dy in range(-2, 3)])
                k[(c * scale + py) * scale + px, c] = w / w.sum()
    return k


class Conv(nn.Module):
    """A convolution with an over-parameterised kernel; `expand` = 0 for a plain one."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, expand: int = 2):
        super().__init__()
        self.size, self.expand = size, expand
        direct = nn.Conv2d(inputs, outputs, size)
        self.direct, self.bias = direct.weight, nn.Parameter(direct.bias.data.clone())
        if expand:
            wide_in, wide_out = inputs * expand, outputs * expand
            a, b, c = nn.Conv2d(inputs, wide_in, 1), nn.Conv2d(wide_in, wide_out, size), nn.Conv2d(wide_out, outputs, 1)
            self.a = nn.Parameter(a.weight.data[:, :, 0, 0].clone())
            self.b = b.weight
            self.c = nn.Parameter(c.weight.data[:, :, 0, 0].clone())

    def kernel(self) -> torch.Tensor:
        if not self.expand:
            return self.direct
        return self.direct + torch.einsum("on,niyx->oiyx", self.c, torch.einsum("nmyx,mi->niyx", self.b, self.a))

    def load_plain(self, weight, bias):
        """Starts from a collapsed kernel: the product begins at zero."""
        self.direct.copy_(weight)
        self.bias.copy_(bias)
        if self.expand:
            self.c.zero_()

    def forward(self, x):
        w = self.kernel().to(x.dtype).contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, w, self.bias.to(x.dtype), padding=self.size // 2)


class Network(nn.Module):
    """RGB in 0..1, [N,3,H,W] -> [N,3,H*scale,W*scale]."""

    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale
        self.half = CUDA  # half the precision while training: twice as fast on a GPU, and on processors with AVX512_BF16
        self.skip = nn.Parameter(bicubic_skip(scale))

    def forward(self, x):
        kind = "cuda" if CUDA else "cpu"
        with torch.autocast(kind, torch.float16 if CUDA else torch.bfloat16, enabled=self.training and self.half):
            out = self.tail(self.features(x))
        return F.pixel_shuffle(out.float() + F.conv2d(x, self.skip, padding=2), self.scale)

    def convolutions(self):
        return {name: m for name, m in self.named_modules() if isinstance(m, Conv)}

    def plain_state(self):
        state = {"skip.weight": self.skip}
        for name, conv in self.convolutions().items():
            state[f"{name}.weight"], state[f"{name}.bias"] = conv.kernel(), conv.bias
        return {k: v.detach().float().cpu().clone() for k, v in state.items()}

    def load_plain(self, state):
        """From a collapsed checkpoint; tensors of another shape (the tail of another scale) are left as they are."""
        with torch.no_grad():
            if state["skip.weight"].shape == self.skip.shape:
                self.skip.copy_(state["skip.weight"])
            for name, conv in self.convolutions().items():
                w = state.get(f"{name}.weight")
                if w is not None and w.shape == conv.direct.shape:
                    conv.load_plain(w, state[f"{name}.bias"])


def calm(convs, tail):
    """He initialisation for the stack as a whole, and a tail that starts near nothing: the picture starts as bicubic."""
    with torch.no_grad():
        for conv in convs:
            nn.init.kaiming_normal_(conv.direct, nonlinearity="relu")
            conv.bias.zero_()
        tail.direct.mul_(0.1)
        tail.bias.zero_()
        if tail.expand:
            tail.c.mul_(0.1)


class Plain(Network):
    """The fast size: 32 wide, 8 deep, 70k multiply-adds per input pixel at x2."""

    def __init__(self, scale: int, width: int = 32, depth: int = 8, expand: int = 2):
        super().__init__(scale)
        self.body = nn.ModuleList([Conv(3, width, 3, expand)] + [Conv(width, width, 3, expand) for _ in range(depth - 1)])
        self.tail = Conv(width, 3 * scale * scale, 3, expand)
        calm(self.body, self.tail)

    def features(self, x):
        f = first = F.relu(self.body[0](x))
        for conv in self.body[1:]:
            f = F.relu(conv(f))
        return f + first


class Residual(Network):
    """The quality size: 48 wide, 6 blocks of three, 386k multiply-adds per input pixel at x2. Gates such as SPAN's trained
    worse than these plain residual blocks at the budgets tried, and cost 15 % of the speed."""

    def __init__(self, scale: int, width: int = 48, blocks: int = 6, expand: int = 2):
        super().__init__(scale)
        self.head = Conv(3, width, 3, expand)
        self.blocks = nn.ModuleList([nn.ModuleList([Conv(width, width, 3, expand) for _ in range(3)]) for _ in range(blocks)])
        self.fuse = Conv(width * 2, width, 1, 0)
        self.tail = Conv(width, 3 * scale * scale, 3, expand)
        calm([], self.tail)

    def features(self, x):
        f = head = self.head(x)
        for first, second, third in self.blocks:
            f = F.relu(f + third(F.relu(second(F.relu(first(f))))))
        return self.fuse(torch.cat([f, head], 1))


def build(kind: str, scale: int, expand: int = 2) -> Network:
    """`plain32x8` or `residual48x6`."""
    name, size = kind.rstrip("0123456789x"), kind.lstrip("abcdefghijklmnopqrstuvwyz")
    width, depth = map(int, size.split("x"))
    return {"plain": Plain, "residual": Residual}[name](scale, width, depth, expand)
