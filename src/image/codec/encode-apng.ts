import { encoderBytes } from './codec-memory.js';
import type { PictureTimer } from '../picture-timer.js';
import type { Samples } from '../../pixels.js';
import { writeApng } from './apng.js';
import { attachProfile } from './attach-profile.js';
import { changedArea, cutOut } from './changed-area.js';
import type { EncodeOptions } from './encode-options.js';
import { framesAtOnce, inWindow } from './in-window.js';
import { pngSettings } from './encode-png.js';
import { loadSharp } from './sharp.js';

interface PageShape {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  /** As sharp calls it. */
  readonly space: 'grey16' | 'rgb16' | 'b-w' | 'srgb';
}

/** An animated PNG: the first frame whole, of each other the rectangle in which something has changed. */
export async function encodeApng(
  pages: readonly Samples[],
  { width, height, channels, space }: PageShape,
  { delay, loop, profile }: Pick<EncodeOptions, 'delay' | 'loop' | 'profile'>,
  timer: PictureTimer,
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const frames = await inWindow(pages, framesAtOnce, async (page, index) => {
    const before = pages[index - 1];
    const size = { width, height };
    const area = before ? await changedArea(before, page, size, channels) : { x: 0, y: 0, ...size };
    const raw = { width: area.width, height: area.height, channels };
    const data = await cutOut(page, size, area, channels);
    const pixels = area.width * area.height;
    const png = await timer.codec(pixels, encoderBytes('png', true, pixels), () =>
      sharp(data, { raw, limitInputPixels: false }).toColourspace(space).png(pngSettings).toBuffer(),
    );
    return { x: area.x, y: area.y, png: index === 0 && profile ? await attachProfile(png, profile) : png };
  });
  return writeApng(frames, delay ?? [], loop ?? 0);
}
