import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { PixelImage } from '#src/pixels.js';
import { fromRoot } from './paths.js';

/** A sample picture's path. */
export function sample(name: string): string {
  return fromRoot('examples', 'images', name);
}

/** A photograph of exactly this size, raw. No two of its tiles are alike, so none is spared. */
export async function photograph(width: number, height = width): Promise<PixelImage & { readonly data: Uint8Array }> {
  const data = await sharp(sample('astronaut.png'))
    .resize(width, height, { fit: 'cover' })
    .removeAlpha()
    .raw()
    .toBuffer();
  return { width, height, channels: 3, data };
}

/** Noise from a fixed sequence (Lehmer's generator with Park and Miller's constants). */
export function noise(width: number, height = width): PixelImage & { readonly data: Uint8Array } {
  let state = 1;
  const data = Uint8Array.from({ length: width * height * 3 }, () => (state = (state * 48_271) % 2_147_483_647) & 255);
  return { width, height, channels: 3, data };
}

/** Pictures of one kind on a site, before they are upscaled. */
interface Kind {
  readonly name: string;
  readonly sources: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly extension: 'jpg' | 'png' | 'webp';
}

/** What lies in the folder of a small site: sizes and formats as one finds them. */
const kinds: readonly Kind[] = [
  { name: 'hero', sources: ['coffee.jpg', 'rocket.jpg'], width: 1280, height: 720, extension: 'jpg' },
  { name: 'photo', sources: ['chelsea.webp', 'coffee.jpg', 'rocket.jpg'], width: 800, height: 534, extension: 'jpg' },
  { name: 'teaser', sources: ['chelsea.webp', 'rocket.jpg'], width: 640, height: 360, extension: 'webp' },
  { name: 'portrait', sources: ['astronaut.png'], width: 480, height: 480, extension: 'png' },
  { name: 'thumbnail', sources: ['coffee.jpg', 'astronaut.png'], width: 240, height: 160, extension: 'jpg' },
  { name: 'texture', sources: ['brick.png'], width: 512, height: 512, extension: 'png' },
  { name: 'screenshot', sources: ['text.png'], width: 896, height: 344, extension: 'png' },
  { name: 'drawing', sources: ['clipart-car.png', 'clipart-elephant.png'], width: 400, height: 300, extension: 'png' },
  { name: 'icon', sources: ['clipart-icon.png', 'clipart-sailing.png'], width: 96, height: 96, extension: 'png' },
];

/**
 * Writes a site's pictures, made from the samples.
 * @param sets how many times each; no two are the same picture
 * @param reduction divides every width and height
 * @returns the files
 */
export async function writeSite(folder: string, sets: number, reduction = 1): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (let set = 0; set < sets; set++) {
    for (const { name, sources, width, height, extension } of kinds) {
      for (const [index, source] of sources.entries()) {
        const file = join(folder, `${name}-${set + 1}-${index + 1}.${extension}`);
        const size = { width: Math.round(width / reduction), height: Math.round(height / reduction) };
        await sharp(sample(source))
          .resize({ ...size, fit: 'cover' })
          .flop(set % 2 === 1)
          .modulate({ brightness: 1 - 0.02 * set })
          .toFile(file);
        files.push(file);
      }
    }
  }
  return files;
}
