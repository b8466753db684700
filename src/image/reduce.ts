import { inBands } from '../event-loop.js';
import { asUint16, levelsPerLevel, planeToDepth8 } from './depth.js';
import type { PictureTimer } from './picture-timer.js';
import type { Frame, PixelImage, Samples } from '../pixels.js';
import { loadSharp } from './codec/sharp.js';
import { splitAlpha } from './alpha/split-alpha.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Reduces a frame to exactly this size with a centred Lanczos kernel of radius 3; never enlarges. Where there is alpha, colours
 * count by their opacity (premultiplied).
 *
 * sharp does so exactly only on floating point numbers: on 8 bits, most flat colours under an alpha of less than full lose a
 * level, and on 16 bits a flat colour comes out up to 40 levels off.
 */
export async function reduceFrame(frame: Frame, size: Size, timer: PictureTimer): Promise<Frame> {
  const { colour, alpha } = frame;
  if (!alpha) return { colour: await reducePlane(colour, size, timer), alpha };
  if (hasSize(colour, size)) return frame;
  const channels = colour.channels === 1 ? 2 : 4;
  const reduced = await reduceFloats(await floatsWithAlpha(colour, alpha), colour, channels, size, timer);
  const wide = await splitAlpha(reduced, size.width, size.height, channels, colour.channels);
  if (colour.data instanceof Uint16Array) return wide;
  return { colour: await planeToDepth8(wide.colour), alpha: wide.alpha && (await planeToDepth8(wide.alpha)) };
}

/** Reduces one plane, as it is. */
export async function reducePlane(plane: PixelImage, size: Size, timer: PictureTimer): Promise<PixelImage> {
  if (hasSize(plane, size)) return plane;
  const { channels, data } = plane;
  if (data instanceof Uint16Array) {
    return { ...size, channels, data: await reduceFloats(await floats(data), plane, channels, size, timer) };
  }
  const sharp = await loadSharp();
  const raw = { width: plane.width, height: plane.height, channels };
  const pipeline = sharp(data, { raw, limitInputPixels: false })
    .resize(size.width, size.height, { fit: 'fill', kernel: 'lanczos3' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw();
  return { ...size, channels, data: await timer.codec(plane.width * plane.height, 0, () => pipeline.toBuffer()) };
}

const hasSize = (plane: PixelImage, { width, height }: Size): boolean =>
  plane.width === width && plane.height === height;

/** Numbers from 0 to 65535, a half added, since sharp cuts what follows the point at the end. */
async function reduceFloats(
  data: Float32Array,
  { width, height }: Size,
  channels: 1 | 2 | 3 | 4,
  size: Size,
  timer: PictureTimer,
): Promise<Uint16Array> {
  const sharp = await loadSharp();
  const pipeline = sharp(data, { raw: { width, height, channels }, limitInputPixels: false })
    .resize(size.width, size.height, { fit: 'fill', kernel: 'lanczos3' })
    .toColourspace(channels < 3 ? 'grey16' : 'rgb16')
    .raw({ depth: 'ushort' });
  return asUint16(await timer.codec(width * height, 0, () => pipeline.toBuffer()));
}

async function floats(data: Samples): Promise<Float32Array> {
  const half = new Float32Array(data.length);
  await inBands(data.length, 2, (from, to) => {
    for (let at = from; at < to; at++) half[at] = data[at]! + 0.5;
  });
  return half;
}

async function floatsWithAlpha(
  { width, height, channels, data }: PixelImage,
  alpha: PixelImage,
): Promise<Float32Array> {
  const all = new Float32Array(alpha.data.length * (channels + 1));
  const scale = data instanceof Uint8Array ? levelsPerLevel : 1;
  await inBands(height, width * 3 * channels, (first, end) => {
    let from = first * width * channels;
    let to = first * width * (channels + 1);
    for (let pixel = first * width; pixel < end * width; pixel++) {
      for (let channel = 0; channel < channels; channel++) all[to++] = data[from++]! * scale + 0.5;
      const cover = alpha.data[pixel]! * scale;
      // Not even half a level of what is invisible.
      all[to++] = cover > 0 ? cover + 0.5 : 0;
    }
  });
  return all;
}
