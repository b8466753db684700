import type { QualityCase } from './quality-case.js';
import { pngOf, type RgbaImage } from './quality-data.js';

/** Colours of a small console. */
const palette: readonly (readonly [number, number, number])[] = [
  [26, 28, 44],
  [93, 39, 93],
  [177, 62, 83],
  [239, 125, 87],
  [255, 205, 117],
  [167, 240, 112],
  [56, 183, 100],
  [37, 113, 121],
  [41, 54, 111],
  [59, 93, 201],
  [65, 166, 246],
  [115, 239, 247],
  [244, 244, 244],
  [148, 176, 194],
];

/** Numbers from 0 to below 1, the same ones for the same seed: Lehmer's generator with the multiplier of Park and Miller. */
function random(seed: number): () => number {
  let state = (seed * 2_654_435 + 1) % 2_147_483_647;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** A picture by a function that gives the index of a colour, or -1 for transparent. */
function paint(width: number, height: number, colourAt: (x: number, y: number) => number): RgbaImage {
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const index = colourAt(x, y);
      if (index >= 0) data.set([...palette[index % palette.length]!, 255], (y * width + x) * 4);
    }
  }
  return { width, height, channels: 4, data };
}

/** A creature, the same on its left and right, on a transparent ground. */
export function sprite(seed: number, side: number): RgbaImage {
  const next = random(seed);
  const colours = [0, 1, 2].map(() => Math.floor(next() * palette.length));
  const half = side / 2;
  const cells = Array.from({ length: half * side }, (_, at) => {
    const [x, y] = [at % half, Math.floor(at / half)];
    const inside = Math.hypot((half - x - 0.5) / half, (side / 2 - y - 0.5) / half) < 0.95;
    return inside && next() < 0.62 ? colours[Math.floor(next() * 3)]! : -1;
  });
  return paint(side, side, (x, y) => cells[y * half + (x < half ? x : side - 1 - x)]!);
}

/** A landscape of tiles of 8 × 8 pixels, opaque. */
function map(seed: number): RgbaImage {
  const next = random(seed);
  const tiles = Array.from({ length: 4 }, (_, kind) =>
    Array.from({ length: 64 }, () => (next() < 0.75 ? kind * 3 + 1 : kind * 3 + 2)),
  );
  const places = Array.from({ length: 48 }, () => Math.floor(next() * 4));
  return paint(64, 48, (x, y) => tiles[places[(y >> 3) * 8 + (x >> 3)]!]![(y & 7) * 8 + (x & 7)]!);
}

/** A sky that is dithered in Bayer's order, with a moon. */
function dither(seed: number): RgbaImage {
  const bayer = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
  const first = seed % 8;
  return paint(48, 32, (x, y) => {
    if (Math.hypot(x - 34, y - 10) < 6) return 12;
    const level = (y / 32) * 3;
    return first + Math.floor(level) + (level % 1 > (bayer[(y & 3) * 4 + (x & 3)]! + 0.5) / 16 ? 1 : 0);
  });
}

/** Every pixel as a cell of several. */
export function inCells({ width, height, data }: RgbaImage, cell: number): RgbaImage {
  const out = new Uint8Array(width * height * cell ** 2 * 4);
  for (let y = 0; y < height * cell; y++) {
    for (let x = 0; x < width * cell; x++) {
      const from = (Math.floor(y / cell) * width + Math.floor(x / cell)) * 4;
      out.set(data.subarray(from, from + 4), (y * width * cell + x) * 4);
    }
  }
  return { width: width * cell, height: height * cell, channels: 4, data: out };
}

const kinds: Readonly<Record<string, (seed: number) => RgbaImage>> = {
  'sprites, 16 px': (seed) => sprite(seed, 16),
  'sprites, 32 px': (seed) => sprite(seed, 32),
  'sprites in cells of 2 px': (seed) => inCells(sprite(seed, 16), 2),
  'sprites in cells of 3 px': (seed) => inCells(sprite(seed, 16), 3),
  'maps of tiles': map,
  'dithered skies': dither,
};

/** Drawn by arithmetic; each pixel of the small picture is a cell of the large one exactly. */
export async function pixelArt(scales: readonly number[], limit: number): Promise<QualityCase[]> {
  const cases: QualityCase[] = [];
  for (const scale of scales) {
    for (const [kind, draw] of Object.entries(kinds)) {
      for (let seed = 1; seed <= Math.min(6, limit); seed++) {
        const small = draw(seed);
        cases.push({
          group: 'pixel art',
          row: `${kind} ×${scale}`,
          name: String(seed),
          scale,
          file: await pngOf(small),
          truth: inCells(small, scale),
          compare: 'rgb',
        });
      }
    }
  }
  return cases;
}
