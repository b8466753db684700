import { inBands } from '../../event-loop.js';
import { samplesLike, type Frame, type PixelImage } from '../../pixels.js';

/**
 * Frames with one channel of colour, where red, green and blue are the same in every pixel of all of them that can be seen.
 * Most programs write grey pictures as colours. A network of three channels never treats these quite alike and would tint
 * them; of one channel it makes one.
 */
export async function withoutColour(frames: readonly Frame[]): Promise<readonly Frame[]> {
  for (const frame of frames) if (!(await isGrey(frame))) return frames;
  return Promise.all(frames.map(async ({ colour, alpha }) => ({ colour: await channelsOf(colour, 1), alpha })));
}

/** The same frame with three channels of colour: a profile for R, G and B fits no other. */
export async function inColour(frame: Frame): Promise<Frame> {
  return { ...frame, colour: await channelsOf(frame.colour, 3) };
}

async function isGrey({ colour, alpha }: Frame): Promise<boolean> {
  const { width, height, channels, data } = colour;
  if (channels === 1) return true;
  let grey = true;
  await inBands(height, width * 2, (from, to) => {
    for (let pixel = from * width; grey && pixel < to * width; pixel++) {
      const at = 3 * pixel;
      grey = (data[at] === data[at + 1] && data[at] === data[at + 2]) || alpha?.data[pixel] === 0;
    }
  });
  return grey;
}

/** With as many channels: the first of three, or one three times. */
async function channelsOf(plane: PixelImage, channels: 1 | 3): Promise<PixelImage> {
  const { width, height, data } = plane;
  if (plane.channels === channels) return plane;
  const made = samplesLike(data, width * height * channels);
  await inBands(height, width * 3, (from, to) => {
    for (let pixel = from * width; pixel < to * width; pixel++) {
      if (channels === 1) made[pixel] = data[3 * pixel]!;
      else made.fill(data[pixel]!, 3 * pixel, 3 * pixel + 3);
    }
  });
  return { width, height, channels, data: made };
}
