import { inBands } from '../../event-loop.js';
import type { Frame, PixelImage } from '../../pixels.js';
import type { Settled } from './dering.js';
import { own } from './drawn-colours.js';

/** Stands for no colour of the drawing. */
export const none = -1;

/** A frame with alpha. */
export interface Covered extends Frame {
  readonly alpha: PixelImage;
}

/** Colours that were drawn with, their cover included. */
export interface Palette {
  /** A pixel that has it, for each of them. */
  readonly pixels: readonly number[];
  /** Which of them each pixel has; -1 for none. On shared memory. */
  readonly indices: Int32Array;
}

/** Finds the colours that both planes say were drawn with. */
export async function drawnTogether(
  { colour, alpha }: Covered,
  forColour: Settled,
  forAlpha: Settled,
): Promise<Palette> {
  const { width, height } = alpha;
  const { channels, data } = colour;
  const pixels: number[] = [];
  const indices = new Int32Array(new SharedArrayBuffer(4 * width * height)).fill(none);
  // A colour of 16 bits a channel and its cover are more than a number can hold.
  const known = new Map<number, Map<number, number>>();
  await inBands(height, width * 4, (from, to) => {
    for (let pixel = from * width; pixel < to * width; pixel++) {
      if (!(forAlpha.drawn.marks[pixel]! & own)) continue;
      const cover = alpha.data[pixel]!;
      if (cover > 0 && !(forColour.drawn.marks[pixel]! & own)) continue;
      let name = 0;
      for (let channel = 0; cover > 0 && channel < channels; channel++) {
        name = name * 65536 + data[pixel * channels + channel]!;
      }
      let ofCover = known.get(cover);
      if (!ofCover) known.set(cover, (ofCover = new Map<number, number>()));
      let index = ofCover.get(name);
      if (index === undefined) {
        ofCover.set(name, (index = pixels.length));
        pixels.push(pixel);
      }
      indices[pixel] = index;
    }
  });
  return { pixels, indices };
}
