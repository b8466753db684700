import { inBands } from '../../event-loop.js';
import { maxValue, samplesLike, type Frame, type PixelImage } from '../../pixels.js';

/** A frame of an animation as it is stored: a rectangle, and what becomes of it. */
export interface PlacedFrame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** What is done with its rectangle before the next frame: one of the constants below. */
  readonly dispose: number;
  /** Whether it lies over what is there, or in its place: one of the constants below. */
  readonly blend: number;
  /** Makes a file of its pixels alone: what all frames have in common is in each, so not all are to be there at once. */
  readonly still: () => Uint8Array;
}

/** Values as animated PNGs have them (PNG specification, third edition, 11.3.6.2). */
export const keepIt = 0;
export const clearIt = 1;
export const putBack = 2;
export const blendOver = 1;

/**
 * The frames as a player shows them, each complete.
 * @param decode gives the pixels of a frame's own part
 */
export async function composeFrames(
  frames: readonly PlacedFrame[],
  size: { readonly width: number; readonly height: number },
  decode: (still: Uint8Array, size: { readonly width: number; readonly height: number }) => Promise<Frame>,
): Promise<Frame[]> {
  const shown: Frame[] = [];
  let canvas: Layer | undefined;
  for (const [index, stored] of frames.entries()) {
    const { colour, alpha } = await decode(stored.still(), stored);
    canvas ??= {
      colour: { ...colour, ...size, data: samplesLike(colour.data, size.width * size.height * colour.channels) },
      alpha: { ...colour, ...size, channels: 1, data: samplesLike(colour.data, size.width * size.height) },
    };
    // Nothing is before the first to be put back.
    const before = stored.dispose === putBack && index > 0 ? copyOf(canvas) : undefined;
    await draw({ colour, alpha }, stored, canvas);
    const { data } = canvas.alpha;
    const opaque = data.every((value) => value === maxValue(data));
    const copy = copyOf(canvas);
    shown.push(opaque ? { colour: copy.colour, alpha: undefined } : copy);
    if (before) canvas = before;
    else if (stored.dispose !== keepIt) clear(stored, canvas);
  }
  return shown;
}

interface Layer {
  readonly colour: PixelImage;
  readonly alpha: PixelImage;
}

const copyOf = ({ colour, alpha }: Layer): Layer => ({
  colour: { ...colour, data: colour.data.slice() },
  alpha: { ...alpha, data: alpha.data.slice() },
});

function clear({ x, y, width, height }: PlacedFrame, { colour, alpha }: Layer): void {
  for (let row = y; row < y + height; row++) {
    const from = row * alpha.width + x;
    alpha.data.fill(0, from, from + width);
    colour.data.fill(0, from * colour.channels, (from + width) * colour.channels);
  }
}

/** 13.5.2 and 13.16: colours are not premultiplied. */
async function draw(frame: Frame, { x, y, width, height, blend }: PlacedFrame, canvas: Layer): Promise<void> {
  const { channels } = canvas.colour;
  const full = maxValue(canvas.alpha.data);
  await inBands(height, width * (channels + 1), (first, end) => {
    for (let row = first; row < end; row++) {
      let from = row * width;
      let to = (y + row) * canvas.alpha.width + x;
      for (let column = 0; column < width; column++, from++, to++) {
        const cover = frame.alpha ? frame.alpha.data[from]! / full : 1;
        const under = blend === blendOver ? (canvas.alpha.data[to]! / full) * (1 - cover) : 0;
        const whole = cover + under;
        canvas.alpha.data[to] = Math.round(whole * full);
        for (let channel = 0; channel < channels; channel++) {
          const own = frame.colour.data[from * channels + channel]!;
          const below = canvas.colour.data[to * channels + channel]!;
          canvas.colour.data[to * channels + channel] =
            under === 0 ? own : Math.round((own * cover + below * under) / whole);
        }
      }
    }
  });
}
