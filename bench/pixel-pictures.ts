import sharp from 'sharp';
import type { Dice } from './dice.js';

/** Every pixel as a square of `cell` pixels a side. */
export async function enlargeCells(png: Uint8Array, cell: number): Promise<Uint8Array> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const large = new Uint8Array(data.length * cell ** 2);
  for (let y = 0; y < height * cell; y++) {
    for (let x = 0; x < width * cell; x++) {
      const from = (Math.floor(y / cell) * width + Math.floor(x / cell)) * channels;
      large.set(data.subarray(from, from + channels), (y * width * cell + x) * channels);
    }
  }
  return encoded(large, width * cell, height * cell, channels);
}

const encoded = (data: Uint8Array, width: number, height: number, channels: 1 | 2 | 3 | 4): Promise<Buffer> =>
  sharp(data, { raw: { width, height, channels } }).png().toBuffer();

/** A code of square modules with the three marks of a QR code, and a margin of four. */
export function finderCode(dice: Dice): Promise<Uint8Array> {
  const modules = 17 + 4 * dice.within(1, 8);
  const side = modules + 8;
  const isDark = (x: number, y: number): boolean => {
    if (Math.min(x, y) < 0 || Math.max(x, y) >= modules) return false;
    for (const [left, top] of [
      [0, 0],
      [modules - 7, 0],
      [0, modules - 7],
    ] as const) {
      const ring = Math.max(Math.abs(x - left - 3), Math.abs(y - top - 3));
      if (ring <= 4) return ring !== 2 && ring !== 4;
    }
    return dice.next() < 0.5;
  };
  const data = Uint8Array.from({ length: side * side }, (_, at) =>
    isDark((at % side) - 4, Math.floor(at / side) - 4) ? 0 : 255,
  );
  return encoded(data, side, side, 1);
}

/** A figure such as games have: mirrored, outlined, shaded from a small palette, on nothing. */
export async function sprite(dice: Dice): Promise<Uint8Array> {
  const side = dice.of([8, 12, 16, 16, 24, 32, 48]);
  const ramps = Array.from({ length: dice.within(1, 5) }, () => {
    const base = [0, 1, 2].map(() => dice.within(40, 256));
    return [0.45, 0.7, 1].map((light) => base.map((value) => Math.round(value * light)));
  });
  const rampOf = Array.from({ length: 64 }, () => dice.within(0, ramps.length));
  const body = new Set<number>();
  const half = side / 2;
  let [x, y] = [0, Math.floor(side / 2)];
  for (let step = 0; step < side * side; step++) {
    if (dice.next() < 0.5) x = Math.max(0, Math.min(half - 2, x + dice.of([-1, 1])));
    else y = Math.max(1, Math.min(side - 2, y + dice.of([-1, 1])));
    body.add(y * half + x);
  }
  const data = new Uint8Array(side * side * 4);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const from = column < half ? half - 1 - column : column - half;
      const inside = (r: number, c: number): boolean => c < half && body.has(r * half + Math.max(0, c));
      let colour: number[] | undefined;
      if (inside(row, from)) {
        const ramp = ramps[rampOf[(Math.floor(row / 4) * 8 + Math.floor(from / 4)) % 64]!]!;
        colour = ramp[dice.next() < 0.8 ? (row < side / 3 ? 2 : row < side / 1.5 ? 1 : 0) : dice.within(0, 3)];
      } else if (inside(row - 1, from) || inside(row + 1, from) || inside(row, from - 1) || inside(row, from + 1)) {
        colour = [20, 16, 28];
      }
      if (colour) data.set([...colour, 255], (row * side + column) * 4);
    }
  }
  const picture = await encoded(data, side, side, 4);
  return dice.next() < 0.5
    ? picture
    : sharp(picture)
        .flatten({ background: dice.of(['#fff', '#5c94fc', '#222']) })
        .png()
        .toBuffer();
}
