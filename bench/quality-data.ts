import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import sharp from 'sharp';
import type { PixelImage } from '#src/pixels.js';

/** Pixels as networks take them, in R, G, B. */
export interface RgbImage extends PixelImage {
  readonly channels: 3;
  readonly data: Uint8Array;
}

/** Pixels in R, G, B, A. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 4;
  readonly data: Uint8Array;
}

/** A small picture, and the large one that it was made from. */
export interface PicturePair {
  readonly name: string;
  readonly small: RgbImage;
  /** `scale` times the small one exactly; what the original has beyond that is cut off. */
  readonly large: RgbImage;
}

/** The pictures of one folder for one scale. */
export interface PictureSet {
  /** The folder's name. */
  readonly name: string;
  readonly scale: number;
  readonly pairs: readonly PicturePair[];
}

/**
 * Reads a folder in the customary layout: `x2/001_LR.png` and `x2/001_HR.png`, and so on. Without a folder for the scale, the
 * set is empty.
 */
export async function readSet(folder: string, scale: number): Promise<PictureSet> {
  const inner = join(folder, `x${scale}`);
  const files = await readdir(inner).catch(() => []);
  const names = files.filter((file) => file.endsWith('_LR.png')).map((file) => file.slice(0, -'_LR.png'.length));
  const pairs: PicturePair[] = [];
  for (const name of names.sort()) {
    const small = await readPixels(join(inner, `${name}_LR.png`));
    const large = await readPixels(join(inner, `${name}_HR.png`));
    pairs.push({ name, small, large: cut(large, small.width * scale, small.height * scale) });
  }
  return { name: basename(resolve(folder)), scale, pairs };
}

/** Decodes to 8-bit R, G, B; transparent pixels are laid on white. */
export async function readPixels(input: string | Uint8Array): Promise<RgbImage> {
  const pipeline = sharp(input).flatten({ background: 'white' }).toColourspace('srgb').raw();
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`${info.channels} channels where 3 were asked for`);
  return { width: info.width, height: info.height, channels: 3, data };
}

/** Decodes to 8-bit R, G, B, A. */
export async function readRgba(input: string | Uint8Array): Promise<RgbaImage> {
  const pipeline = sharp(input).toColourspace('srgb').ensureAlpha().raw();
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
  if (info.channels !== 4) throw new Error(`${info.channels} channels where 4 were asked for`);
  return { width: info.width, height: info.height, channels: 4, data };
}

/** Lays pixels on white; values are mixed as they are, as browsers do. */
export function onWhite({ width, height, data }: RgbaImage): RgbImage {
  const out = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3]! / 255;
    for (let channel = 0; channel < 3; channel++) {
      out[to + channel] = Math.round(data[from + channel]! * alpha + 255 * (1 - alpha));
    }
  }
  return { width, height, channels: 3, data: out };
}

export const isOpaque = ({ data }: RgbaImage): boolean => data.every((value, at) => at % 4 !== 3 || value === 255);

/** As a PNG; without its alpha where that says nothing. */
export function pngOf(image: RgbImage | RgbaImage): Promise<Buffer> {
  const { width, height, channels, data } = image;
  const opaque = image.channels === 4 && isOpaque(image);
  const pipeline = sharp(data, { raw: { width, height, channels } });
  return (opaque ? pipeline.removeAlpha() : pipeline).png().toBuffer();
}

function cut(image: RgbImage, width: number, height: number): RgbImage {
  if (image.width < width || image.height < height) throw new Error('a reference is smaller than what is made for it');
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    data.set(image.data.subarray(y * image.width * 3, (y * image.width + width) * 3), y * width * 3);
  }
  return { width, height, channels: 3, data };
}
