import { hasCode } from '../../errors.js';
import { largestDifference, type Plane } from '../proving.js';
import { crop } from './planes.js';
import type { FixedSize } from '../../model/catalogue/geometry.js';
import { pictureLike } from './trial-pictures.js';
import type { Approximation, MeasuredGeometry } from './weights-manifest.js';

/** Input pixels of context that are tried, the least first. */
const HALOS = [32, 48, 64] as const;

/** The same where the graph can't be followed: multiples of `ANY_WINDOW`. */
const ANY_HALOS = [48, 96] as const;

/** Where a graph can't be followed, corners of tiles lie on multiples of all windows and strides that networks have: 3, 6, 8, 12, 16, 24. */
const ANY_WINDOW = 48;

/** The same for small tiles: the largest that leaves a tile four of them. */
const ANY_WINDOWS = [ANY_WINDOW, 24, 16, 8] as const;

/** A difference that no one sees, in levels of 255. */
const UNSEEN = 1;

/**
 * What all of a trial may compute, in multiply-accumulates: half a minute of one core, or a little more. No bound depends on the machine, its speed or its
 * memory: the bytes of results would.
 */
const MOST_WORK = 4e12;

/** Elements that the largest matrix product of the whole may have: 1 GiB, and as much for what is made of it. */
const MOST_ELEMENTS = 2 ** 28;

/**
 * Finds the least context with which a tile of a picture differs from the whole by no more than one level of 255.
 * @param run the network
 * @param productOf elements of its largest matrix product for a square of a side, where its graph can't be followed
 * @returns the widest context that is tried, where none is enough; without a difference where it can't be told
 */
export async function findApproximation(
  run: (plane: Plane) => Promise<Plane>,
  { halo: exact, multipleOf, macPerPixel, parameters, scale }: MeasuredGeometry,
  productOf: (side: number) => number = () => 0,
): Promise<Approximation> {
  const unit = exact ? multipleOf : leastCommon(multipleOf, ANY_WINDOW);
  const roundUp = (value: number): number => Math.ceil(value / unit) * unit;
  const halos = [...new Set((exact ? HALOS : ANY_HALOS).map(roundUp))];
  const widest = halos.at(-1)!;
  const core = roundUp(24);
  const around = widest + roundUp(16);
  const side = core + 2 * around;

  const pixels = [side, ...halos.map((halo) => core + 2 * halo)].reduce((sum, length) => sum + length ** 2, 0);
  const tooMuch =
    pixels * (exact ? macPerPixel : likelyWork({ macPerPixel, parameters })) > MOST_WORK ||
    productOf(side) > MOST_ELEMENTS;
  const untried = { halo: widest, unit };
  if (tooMuch) return untried;
  const picture = pictureLike(side, 1);
  /** The same picture, white beyond the widest context: a mean of the whole is another then, where a halo that hides it is none. */
  const elsewhere = { ...picture, data: Float32Array.from(picture.data) };
  const inner = [around - widest, around + core + widest] as const;
  elsewhere.data.forEach((_, at) => {
    const [x, y] = [at % side, Math.floor(at / side) % side];
    if (Math.min(x, y) < inner[0] || Math.max(x, y) >= inner[1]) elsewhere.data[at] = 1;
  });
  const size = { width: core * scale, height: core * scale };
  const coreOf = async (plane: Plane, before: number): Promise<Plane> =>
    crop(await run(plane), before * scale, before * scale, size);
  const inTile = (halo: number): Promise<Plane> => {
    const length = core + 2 * halo;
    return coreOf(crop(picture, around - halo, around - halo, { width: length, height: length }), halo);
  };
  try {
    const expected = await coreOf(picture, around);
    // What lies within a field that is known shows in tiles; what sees everything may be the same everywhere in one picture.
    const far = exact ? 0 : 255 * largestDifference(expected.data, (await coreOf(elsewhere, around)).data);
    let levels = Infinity;
    for (const halo of halos) {
      levels = Math.max(far, 255 * largestDifference(expected.data, (await inTile(halo)).data));
      if (levels <= UNSEEN) return { halo, unit, levels };
    }
    // What is no number has no place in a manifest.
    return Number.isFinite(levels) ? { ...untried, levels } : untried;
  } catch (error) {
    // It can be run, on fewer pixels: that was seen before.
    if (hasCode(error, 'MODEL_UNSUPPORTED')) return untried;
    throw error;
  }
}

/** What can't be followed is not counted: each weight works once a pixel, about. */
const likelyWork = ({ macPerPixel, parameters }: Pick<MeasuredGeometry, 'macPerPixel' | 'parameters'>): number =>
  Math.max(macPerPixel, parameters);

/** Of the pixels that a tile of a fixed size has along a side, at most so many are context on each side. */
const mostFixedHalo = 3 / 8;

/** Input pixels along a seam that are compared. */
const seam = 8;

/**
 * The same for a network that takes pictures of one size alone: two tiles that overlap are compared where they would meet, along a seam
 * down and one across.
 */
export async function findFixedApproximation(
  run: (plane: Plane) => Promise<Plane>,
  geometry: MeasuredGeometry & { readonly fixedSize: FixedSize },
): Promise<Approximation> {
  const { fixedSize, multipleOf, macPerPixel, scale, globalOperators } = geometry;
  const { width, height } = fixedSize;
  const windows = globalOperators.length === 0 ? [] : ANY_WINDOWS.map((window) => leastCommon(multipleOf, window));
  const unit = windows.find((window) => 4 * window <= Math.min(width, height)) ?? multipleOf;
  const down = (value: number): number => Math.floor(value / unit) * unit;
  const most = down(Math.min(width, height) * mostFixedHalo);
  const halos = [...new Set([16, ...HALOS, most].map(down))].filter((halo) => halo <= most).sort((a, b) => a - b);
  const untried = { halo: most, unit };
  const work = globalOperators.length === 0 ? macPerPixel : likelyWork(geometry);
  if ((2 * halos.length + 1) * width * height * work > MOST_WORK) return untried;
  const picture = pictureLike(2 * Math.max(width, height), 1);
  const first = await run(crop(picture, 0, 0, fixedSize));
  /** How two tiles, one `x` pixels to the right of the other and `y` below it, differ where both have context enough. */
  const differenceAt = async (x: number, y: number, halo: number): Promise<number> => {
    const second = await run(crop(picture, x, y, fixedSize));
    const size = { width: (width - x - 2 * halo) * scale, height: (height - y - 2 * halo) * scale };
    const here = crop(first, (x + halo) * scale, (y + halo) * scale, size);
    return 255 * largestDifference(here.data, crop(second, halo * scale, halo * scale, size).data);
  };
  let levels = Infinity;
  for (const halo of halos) {
    const [x, y] = [down(width - 2 * halo - seam), down(height - 2 * halo - seam)];
    if (x <= 0 || y <= 0) break;
    levels = Math.max(await differenceAt(x, 0, halo), await differenceAt(0, y, halo));
    if (levels <= UNSEEN) return { halo, unit, levels };
  }
  return Number.isFinite(levels) ? { ...untried, levels } : untried;
}

function leastCommon(a: number, b: number): number {
  let result = Math.max(a, b);
  while (result % a !== 0 || result % b !== 0) result += Math.max(a, b);
  return result;
}
