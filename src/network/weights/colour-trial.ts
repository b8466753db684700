import { UpresError } from '../../errors.js';
import {
  CHANNEL_ORDERS,
  coloursText,
  RANGES,
  type ChannelOrder,
  type Colours,
  type SideColours,
  type ValueRange,
} from '../../model/catalogue/colours.js';
import type { NetworkColours } from '../../model/catalogue/model-parts.js';
import type { Plane } from '../proving.js';
import { mapColours } from './planes.js';
import { pictureLike } from './trial-pictures.js';

/** Decibels from which on a result that was reduced looks like its input: real networks reach 26 to 50, others 15 at most. */
const ALIKE = 20;

/** Decibels by which other colours must fit better on one of the pictures, to be clearly the network's own. */
const CLEARLY = 8;

/** Decibels by which they may fit worse on the other, and within which two fit equally well. */
const ABOUT = 3;

/** Decibels from which on a result is its input with larger pixels: it says nothing of the range that was meant. */
const ENLARGED_ONLY = 50;

/** The share of a result that follows from its input's colours, from which on it is a picture in colours of another kind. */
const RELATED = 0.99;

/** What a trial found out. */
export interface FoundColours {
  /** Undefined where they are as they were taken for. */
  readonly colours?: Colours;
  /** What the user should know. */
  readonly note?: string;
}

/** What came of one way to take the colours. */
interface Fit {
  readonly colours: Colours;
  /** Decibels of each picture. */
  readonly decibels: readonly number[];
  readonly results: readonly Plane[];
}

/**
 * Finds out what the numbers mean that a user's network takes and gives. Its result, reduced to the size of the input by averaging
 * blocks, must look like the input; of the conventions that networks have, one is taken instead of the present one where it fits
 * clearly better.
 * @param run the core, built with the colours that it is taken for now
 * @param side of the pictures, in pixels
 * @throws MODEL_UNSUPPORTED for a network whose results are blank, or a picture in other colours than those that are known
 */
export async function findColours(
  run: (plane: Plane) => Promise<Plane>,
  taken: NetworkColours,
  side: number,
): Promise<FoundColours> {
  const grey = taken.input.channels === 1;
  const pictures = [0.6, 1].map((contrast) => pictureLike(side, contrast));
  const present: Colours = { input: sideOf(taken.input), output: sideOf(taken.output) };

  const fitsOf = async (input: SideColours): Promise<Fit[]> => {
    const raw = await Promise.all(
      pictures.map(async (picture) =>
        mapColours(
          await run(mapColours(mapColours(picture, undefined, input), present.input, undefined)),
          undefined,
          present.output,
        ),
      ),
    );
    return outputsOf(taken, input.order).map((output) => {
      const results = raw.map((plane) => mapColours(plane, output, undefined));
      const decibels = results.map((result, at) => likeness(pictures[at]!, result, grey));
      return { colours: { input, output }, decibels, results };
    });
  };

  const all: Fit[] = [];
  const ranges = taken.input.whole ? [] : RANGES.filter((range) => !sameRange(range, present.input.range));
  for (const range of [present.input.range, ...ranges]) all.push(...(await fitsOf({ ...present.input, range })));
  const now = all.find(({ colours }) => sameColours(colours, present))!;
  const promising = best(all) ?? now;
  if (!grey) {
    const orders = CHANNEL_ORDERS.filter((order) => order !== present.input.order);
    for (const order of orders) {
      // Swapped channels on both sides can't be told, and do little harm.
      if (order === 'BGR' && isAlike(promising)) continue;
      all.push(...(await fitsOf({ ...promising.colours.input, order })));
    }
  }

  const better = all.filter((fit) => isAlike(fit) && isClearlyBetter(fit, now) && !isEnlargedOnly(pictures, fit));
  const found = best(better);
  if (!found) {
    if (isAlike(now)) return {};
    return { note: unlike(pictures, now, taken) };
  }
  const says = coloursText(found.colours);
  if (taken.stated) {
    throw new UpresError(
      'MODEL_UNSUPPORTED',
      `the network is said to have ${coloursText(present)}, and its results then don't look like their input ` +
        `(${average(now).toFixed(0)} dB); with ${says} they do (${average(found).toFixed(0)} dB). Correct its model card, or range and order where it is named.`,
    );
  }
  return {
    colours: found.colours,
    note: `its pictures are taken for ${says}: then its results look like their input (${average(found).toFixed(0)} dB; ${average(now).toFixed(0)} dB with ${coloursText(present)}). A model card can say otherwise ("input" and "output" with "range" and "order").`,
  };
}

/** What is said of a network whose results look like their input in no colours that are known. */
function unlike(pictures: readonly Plane[], now: Fit, taken: NetworkColours): string {
  const picture = pictures[1]!;
  const result = reduce(now.results[1]!, now.results[1]!.width / picture.width);
  const seen = ['red', 'green', 'blue'].map((name, channel) => {
    const values = result.data.subarray(
      channel * picture.width * picture.height,
      (channel + 1) * picture.width * picture.height,
    );
    return `${name} from ${Math.min(...values).toPrecision(3)} to ${Math.max(...values).toPrecision(3)}`;
  });
  const what =
    `its results don't look like their input (${average(now).toFixed(0)} dB with ${coloursText(now.colours)}, and no better in other ` +
    `known ranges or orders): for a picture from 0 to 1 it gives ${seen.join(', ')}`;
  const fields =
    '{ "sha256": "…", "input": { "range": [0, 255], "order": "BGR" }, "output": { "range": [0, 1], "order": "RGB" } }';
  if (taken.stated) return `${what}. Its user says that this is right.`;
  const spread = Math.max(...result.data) - Math.min(...result.data);
  const middle = result.data.reduce((sum, value) => sum + value, 0) / result.data.length;
  // Colours pass by a network of luma, and one channel of a smooth picture follows from another in whatever it does.
  const related = taken.input.channels === 1 ? 0 : explained(picture, result);
  if (!(spread > 0) || !(Math.abs(middle - 0.5) < 2) || related > RELATED) {
    throw new UpresError(
      'MODEL_UNSUPPORTED',
      `${what}. Say in its model card what its numbers are, as in ${fields} (orders: ${CHANNEL_ORDERS.join(', ')}).`,
    );
  }
  return `${what}. Is it trained? If it is, say in its model card what its numbers are, as in ${fields}.`;
}

const sideOf = ({ range, order }: SideColours): SideColours => ({ range, order });

/** What may come out where that goes in, the likeliest first. */
function outputsOf({ output }: NetworkColours, order: ChannelOrder): SideColours[] {
  const orders = output.channels === 1 ? [output.order] : [order, ...CHANNEL_ORDERS.filter((other) => other !== order)];
  const ranges = output.whole
    ? [output.range]
    : [output.range, ...RANGES.filter((range) => !sameRange(range, output.range))];
  const known = orders.flatMap((one) => ranges.map((range) => ({ order: one, range })));
  return [sideOf(output), ...known.filter((side) => !sameSide(side, output))];
}

const sameRange = (a: ValueRange, b: ValueRange): boolean => a[0] === b[0] && a[1] === b[1];
const sameSide = (a: SideColours, b: SideColours): boolean => a.order === b.order && sameRange(a.range, b.range);
const sameColours = (a: Colours, b: Colours): boolean => sameSide(a.input, b.input) && sameSide(a.output, b.output);

const average = ({ decibels }: Fit): number => decibels.reduce((sum, one) => sum + one, 0) / decibels.length;
const isAlike = (fit: Fit): boolean => average(fit) >= ALIKE;

function isClearlyBetter(fit: Fit, now: Fit): boolean {
  // Where the present range makes the picture that it should, another that suits better is no proof: nothing is changed without one.
  const { input, output } = now.colours;
  const otherRange =
    !sameRange(fit.colours.input.range, input.range) || !sameRange(fit.colours.output.range, output.range);
  if (isAlike(now) && (otherRange || fit.colours.output.order === output.order)) return false;
  const gains = fit.decibels.map((one, at) => one - now.decibels[at]!);
  return Math.max(...gains) >= CLEARLY && Math.min(...gains) >= -ABOUT;
}

function isEnlargedOnly(pictures: readonly Plane[], { results }: Fit): boolean {
  return results.every((result, at) => decibelsOf(result.data, enlarge(pictures[at]!, result).data) > ENLARGED_ONLY);
}

/** The likeliest of those that fit about as well as the best. */
function best(fits: readonly Fit[]): Fit | undefined {
  const most = Math.max(...fits.map(average));
  return fits.find((fit) => average(fit) >= most - ABOUT);
}

/** Decibels between a picture and what a network made of it, reduced to its size; away from the borders, where networks see black. */
function likeness(picture: Plane, result: Plane, grey: boolean): number {
  const margin = picture.width >> 3;
  const inner = (plane: Plane): Float32Array => withoutMargin(grey ? greyOf(plane) : plane, margin);
  return decibelsOf(inner(reduce(result, result.width / picture.width)), inner(picture));
}

function decibelsOf(a: Float32Array, b: Float32Array): number {
  const error = a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0) / a.length;
  // Beyond what 16 bits tell, nothing is told.
  return Math.min(96, 10 * Math.log10(1 / error)) || 0;
}

/** The mean of each block of `scale` by `scale` pixels. */
function reduce({ data, width, height }: Plane, scale: number): Plane {
  const [w, h] = [width / scale, height / scale];
  const result = new Float32Array(3 * w * h);
  data.forEach((value, at) => {
    const row = Math.floor(at / width);
    const channel = Math.floor(row / height);
    result[(channel * h + Math.floor((row % height) / scale)) * w + Math.floor((at % width) / scale)]! +=
      value / scale ** 2;
  });
  return { data: result, width: w, height: h };
}

/** With larger pixels. */
function enlarge(picture: Plane, { width, height }: Plane): Plane {
  const scale = width / picture.width;
  const data = Float32Array.from({ length: 3 * width * height }, (_, at) => {
    const row = Math.floor(at / width);
    const channel = Math.floor(row / height);
    const from = channel * picture.height + Math.floor((row % height) / scale);
    return picture.data[from * picture.width + Math.floor((at % width) / scale)]!;
  });
  return { data, width, height };
}

function withoutMargin({ data, width, height }: Plane, margin: number): Float32Array {
  return data.filter((_, at) => {
    const [x, y] = [at % width, Math.floor(at / width) % height];
    return x >= margin && y >= margin && x < width - margin && y < height - margin;
  });
}

/** Luma of BT.601 in all channels. */
function greyOf(plane: Plane): Plane {
  const luma = mapColours(plane, undefined, { order: 'YCbCr', range: [0, 1] }).data;
  const pixels = plane.width * plane.height;
  return { ...plane, data: plane.data.map((_, at) => luma[at % pixels]!) };
}

/**
 * How much of the variance of a result's channels is explained by a linear map of the input's colours at the same place, 0 to 1:
 * least squares by orthogonal projection on the channels and a constant.
 */
function explained(picture: Plane, result: Plane): number {
  const pixels = picture.width * picture.height;
  const channel = (plane: Plane, at: number): Float64Array =>
    Float64Array.from(plane.data.subarray(at * pixels, (at + 1) * pixels));
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, at) => sum + value * b[at]!, 0);
  const without = (vector: Float64Array, base: readonly Float64Array[]): Float64Array =>
    base.reduce((rest, unit) => {
      const along = dot(rest, unit);
      return rest.map((value, at) => value - along * unit[at]!);
    }, vector);
  const base: Float64Array[] = [new Float64Array(pixels).fill(1 / Math.sqrt(pixels))];
  for (const at of [0, 1, 2]) {
    const rest = without(channel(picture, at), base);
    const length = Math.sqrt(dot(rest, rest));
    if (length > 1e-9) base.push(rest.map((value) => value / length));
  }
  let [whole, left] = [0, 0];
  for (const at of [0, 1, 2]) {
    const centred = without(channel(result, at), base.slice(0, 1));
    const rest = without(centred, base);
    whole += dot(centred, centred);
    left += dot(rest, rest);
  }
  return whole > 0 ? 1 - left / whole : 0;
}
