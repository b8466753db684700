import sharp from 'sharp';
import type { PictureSet, RgbImage } from './quality-data.js';

/** Pixels along a side of what is run against the clock. */
const clockSide = 256;

/** The middle of the picture that is hardest to pack: none of its tiles is one colour or equals another, which would be spared. */
export async function busiest(sets: readonly PictureSet[]): Promise<RgbImage> {
  let found: { image: RgbImage; bytes: number } | undefined;
  for (const { large } of sets.flatMap(({ pairs }) => pairs)) {
    const { width, height, data } = large;
    const region = { width: Math.min(clockSide, width), height: Math.min(clockSide, height) };
    const middle = sharp(data, { raw: { width, height, channels: 3 } }).extract({
      left: (width - region.width) >> 1,
      top: (height - region.height) >> 1,
      ...region,
    });
    const { length: bytes } = await middle.clone().png({ compressionLevel: 1 }).toBuffer();
    if (!found || bytes > found.bytes) {
      found = { image: { ...region, channels: 3, data: await middle.raw().toBuffer() }, bytes };
    }
  }
  return found!.image;
}
