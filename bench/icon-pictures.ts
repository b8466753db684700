import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

/** Pixels of a side. */
export const iconSide = 24;

/** Numbers from 0 to below 1 from a fixed sequence (Lehmer's generator with Park and Miller's constants). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Strokes and shapes on nothing, as sets of icons have them; no two are alike. */
function drawing(index: number): string {
  const next = sequence(index + 1);
  next();
  const at = (): string => (2 + next() * 20).toFixed(1);
  const colour = `hsl(${Math.floor(next() * 360)} ${Math.floor(next() * 100)}% ${20 + Math.floor(next() * 50)}%)`;
  const shapes = [
    () => `<circle cx="${at()}" cy="${at()}" r="${(2 + next() * 7).toFixed(1)}"/>`,
    () => `<rect x="${at()}" y="${at()}" width="${at()}" height="${at()}" rx="2"/>`,
    () => `<path d="M${at()} ${at()}L${at()} ${at()}L${at()} ${at()}"/>`,
    () => `<path d="M${at()} ${at()}Q${at()} ${at()} ${at()} ${at()}"/>`,
  ];
  const drawn = Array.from({ length: 3 }, () => shapes[Math.floor(next() * shapes.length)]!()).join('');
  const paint =
    index % 2 === 0 ? `fill="${colour}"` : `fill="none" stroke="${colour}" stroke-width="2" stroke-linecap="round"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${iconSide}" height="${iconSide}"><g ${paint}>${drawn}</g></svg>`;
}

/** Writes icons as PNG files with transparency, named so that plugins take the network for drawings. */
export async function writeIcons(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    await sharp(Buffer.from(drawing(index)))
      .png()
      .toFile(join(folder, `drawing-${index + 1}.png`));
  }
}
