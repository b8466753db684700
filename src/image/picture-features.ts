import { inBands } from '../give-way.js';
import { LumaSteps, type StepSums } from './luma-steps.js';
import { maxValue, type Frame } from './planes.js';

/** What can be counted in a picture's pixels, invisible ones left out. */
export interface PictureFeatures extends StepSums {
  /** Different colours among the pixels looked at, in 8 bits a channel. */
  readonly colours: number;
  /** Share of pixels that equal the ones to the right and below, 0 to 1. */
  readonly flat: number;
  /** Share of pixels that differ from these visibly but softly, as in the texture of a photograph, 0 to 1. */
  readonly soft: number;
  /** Share of pixels that differ from these strongly, as at the edge of a drawn shape, 0 to 1. */
  readonly hard: number;
}

/** The largest difference of a channel, in levels of 255: up to here it may be a gradient or an encoder's noise. */
const mostGradual = 8;
/** And up to here texture; beyond it, an edge. */
const mostSoft = 48;

/** About so many pixels are looked at: of a larger picture only some rows, evenly spread. */
const mostPixels = 1_000_000;

/** What looking at a pixel costs beside its channels. */
const stepsPerPixel = 64;

/** Looks at each pixel and its neighbours to the right and below, without keeping the event loop waiting. */
export async function pictureFeatures({ colour, alpha }: Frame): Promise<PictureFeatures> {
  const { width, height, channels, data } = colour;
  const perLevel = maxValue(data) / 255;
  const stride = width * channels;
  const rowStep = Math.max(1, Math.ceil((width * height) / mostPixels));
  const colours = new Set<number>();
  const steps = new LumaSteps({ colour, alpha });
  let [seen, flat, soft, hard] = [0, 0, 0, 0];
  const lookAtRow = (y: number): void => {
    for (let x = 0; x < width - 1; x++) {
      const pixel = y * width + x;
      // Colours under full transparency are whatever the program left there.
      if (alpha && !(alpha.data[pixel]! && alpha.data[pixel + 1]! && alpha.data[pixel + width]!)) continue;
      let difference = 0;
      let name = 0;
      for (let at = pixel * channels, end = at + channels; at < end; at++) {
        const value = data[at]!;
        difference = Math.max(difference, Math.abs(value - data[at + channels]!), Math.abs(value - data[at + stride]!));
        name = name * 256 + Math.round(value / perLevel);
      }
      colours.add(name);
      seen++;
      if (x < width - 3) steps.look(pixel, 1);
      if (y < height - 3) steps.look(pixel, width);
      if (difference === 0) flat++;
      else if (difference > mostSoft * perLevel) hard++;
      else if (difference > mostGradual * perLevel) soft++;
    }
  };
  await inBands(Math.ceil((height - 1) / rowStep), width * stepsPerPixel, (from, to) => {
    for (let row = from; row < to; row++) lookAtRow(row * rowStep);
  });
  const share = (count: number): number => (seen > 0 ? count / seen : 0);
  return { colours: colours.size, flat: share(flat), soft: share(soft), hard: share(hard), ...steps.sums() };
}
