import { describe, expect, it } from 'vitest';
import { INTERPOLATION_RADIUS, type Interpolation } from '#src/model/catalogue/interpolations.js';
import { interpolationModel } from '#src/model/graph/interpolation.js';
import { writeOnnx } from '#src/model/graph/onnx/file.js';
import { wrapPixels } from '#src/model/graph/pixels.js';
import { crop, difference, load, randomFloats, run } from '../support.js';

/** Separable sampling with clamped borders, written down independently of the graphs. */
function sampled(
  plane: ArrayLike<number>,
  h: number,
  w: number,
  scale: number,
  kernel: (x: number) => number,
): number[] {
  const at = (y: number, x: number): number =>
    plane[Math.min(Math.max(y, 0), h - 1) * w + Math.min(Math.max(x, 0), w - 1)]!;
  const result: number[] = [];
  for (let oy = 0; oy < h * scale; oy++) {
    for (let ox = 0; ox < w * scale; ox++) {
      const [y, x] = [(oy + 0.5) / scale - 0.5, (ox + 0.5) / scale - 0.5];
      let sum = 0;
      for (let j = Math.floor(y) - 1; j <= Math.floor(y) + 2; j++) {
        for (let i = Math.floor(x) - 1; i <= Math.floor(x) + 2; i++) sum += kernel(y - j) * kernel(x - i) * at(j, i);
      }
      result.push(sum);
    }
  }
  return result;
}

/** Keys 1981, eq. 15 (a = -1/2). */
function keys(s: number): number {
  const x = Math.abs(s);
  if (x < 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
  return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
}
const triangle = (s: number): number => Math.max(0, 1 - Math.abs(s));
const linear = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const srgb = (v: number): number => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);

const KINDS: readonly Interpolation[] = ['nearest', 'bilinear', 'bicubic'];
const [H, W] = [7, 11];
const image = randomFloats(3 * H * W, 5);

function reference(kind: Interpolation, scale: number): number[] {
  return [0, 1, 2].flatMap((c) => {
    const plane = image.subarray(c * H * W, (c + 1) * H * W);
    if (kind === 'bicubic') return sampled(plane, H, W, scale, keys);
    if (kind === 'bilinear') return sampled(plane.map(linear), H, W, scale, triangle).map(srgb);
    return Array.from(
      { length: H * scale * W * scale },
      (_, at) => plane[Math.floor(at / (W * scale) / scale) * W + Math.floor((at % (W * scale)) / scale)]!,
    );
  });
}

describe.each(KINDS)('%s', (kind) => {
  it.each([2, 3, 4, 5, 8])('equals an independent implementation at scale %i', async (scale) => {
    const { data, dims } = await run(writeOnnx(interpolationModel(kind, scale)), image, [1, 3, H, W]);
    expect(dims).toEqual([1, 3, H * scale, W * scale]);
    const tolerance = kind === 'nearest' ? 0 : kind === 'bicubic' ? 6e-7 : 2e-6;
    expect(difference(data, reference(kind, scale))).toBeLessThanOrEqual(tolerance);
  });

  it('scale 1 gives back the input', async () => {
    const { data } = await run(writeOnnx(interpolationModel(kind, 1)), image, [1, 3, H, W]);
    expect(data).toEqual(image);
  });

  it.each([2, 3])('tiles equal the whole picture bit for bit at scale %i', async (scale) => {
    const halo = INTERPOLATION_RADIUS[kind];
    const [h, w] = [37, 61];
    const picture = randomFloats(3 * h * w, 8);
    const session = await load(writeOnnx(interpolationModel(kind, scale)));
    try {
      const whole = await session.run(picture, [1, 3, h, w]);
      for (const [x, y, width, height] of [
        [0, 0, 20, 11],
        [13, 7, 17, 19],
        [40, 20, 21, 17],
        [30, 3, 1, 1],
        [5, 9, 33, 2],
      ] as const) {
        const x0 = Math.max(0, x - halo);
        const y0 = Math.max(0, y - halo);
        const tw = Math.min(w, x + width + halo) - x0;
        const th = Math.min(h, y + height + halo) - y0;
        const tile = await session.run(
          crop({ data: picture, dims: [1, 3, h, w] }, { x: x0, y: y0, width: tw, height: th }),
          [1, 3, th, tw],
        );
        const size = { width: width * scale, height: height * scale };
        const got = crop(tile, { x: (x - x0) * scale, y: (y - y0) * scale, ...size });
        expect(difference(got, crop(whole, { x: x * scale, y: y * scale, ...size }))).toBe(0);
      }
    } finally {
      await session.release();
    }
  });

  it('keeps flat colours exactly, in 8 and in 16 bits, up to the border', async () => {
    const core = writeOnnx(interpolationModel(kind, 3));
    const eight = await load(wrapPixels(core, 'uint8', 3));
    const sixteen = await load(wrapPixels(core, 'uint16', 1));
    try {
      for (let value = 0; value < 256; value++) {
        const colour = [value, 255 - value, (value * 7) % 256];
        const { data } = await eight.run(
          Uint8Array.from({ length: 5 * 6 * 3 }, (_, at) => colour[at % 3]!),
          [1, 5, 6, 3],
        );
        expect(data.every((got, at) => got === colour[at % 3])).toBe(true);
      }
      for (let value = 0; value < 65536; value += 85) {
        const { data } = await sixteen.run(new Uint16Array(12).fill(value), [1, 3, 4, 1]);
        expect(data.every((got) => got === value)).toBe(true);
      }
    } finally {
      await eight.release();
      await sixteen.release();
    }
  });
});
