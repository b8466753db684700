import { copyInBands, inBands } from '../../event-loop.js';
import { samplesLike, type Samples } from '../../pixels.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Area extends Size {
  readonly x: number;
  readonly y: number;
}

/**
 * The least rectangle that holds all pixels in which two pictures of one size differ; one pixel where there are none.
 * @param channels interleaved
 */
export async function changedArea(
  before: Samples,
  after: Samples,
  { width, height }: Size,
  channels: number,
): Promise<Area> {
  const stride = width * channels;
  let [left, right, top, bottom] = [width, -1, height, -1];
  await inBands(height, stride, (first, end) => {
    for (let row = first; row < end; row++) {
      const from = row * stride;
      let begin = 0;
      while (begin < stride && before[from + begin] === after[from + begin]) begin++;
      if (begin === stride) continue;
      let last = stride - 1;
      while (before[from + last] === after[from + last]) last--;
      left = Math.min(left, Math.floor(begin / channels));
      right = Math.max(right, Math.floor(last / channels));
      top = Math.min(top, row);
      bottom = row;
    }
  });
  if (bottom < 0) return { x: 0, y: 0, width: 1, height: 1 };
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** The pixels of a rectangle; those of the whole picture are not copied. */
export async function cutOut(pixels: Samples, { width, height }: Size, area: Area, channels: number): Promise<Samples> {
  if (area.width === width && area.height === height) return pixels;
  const cut = samplesLike(pixels, area.width * area.height * channels);
  for (let row = 0; row < area.height; row++) {
    const from = ((area.y + row) * width + area.x) * channels;
    await copyInBands(pixels.subarray(from, from + area.width * channels), cut, row * area.width * channels);
  }
  return cut;
}
