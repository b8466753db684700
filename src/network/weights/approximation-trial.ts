import { largestDifference, type Plane } from '../proving.js';
import { crop } from './planes.js';
import { pictureLike } from './trial-pictures.js';
import type { Approximation, MeasuredGeometry } from './weights-manifest.js';

/** Input pixels of context that are tried, the least first. */
const HALOS = [32, 48, 64] as const;

/** The same where the graph can't be followed: multiples of `ANY_WINDOW`. */
const ANY_HALOS = [48, 96] as const;

/** Where a graph can't be followed, corners of tiles lie on multiples of all windows and strides that networks have: 3, 6, 8, 12, 16, 24. */
const ANY_WINDOW = 48;

/** A difference that nobody sees, in levels of 255. */
const UNSEEN = 1;

/** What all of a trial may compute, in multiply-accumulates: half a minute of one core. */
const MOST_WORK = 4e12;

/** And where a graph can't be followed, and does not tell its work, in milliseconds by the speed that was measured. */
const LONGEST_MS = 60_000;

/**
 * Finds the least context with which a tile of a picture differs from the whole by no more than one level of 255.
 * @param run the network
 * @returns the widest context that is tried, where none is enough
 */
export async function findApproximation(
  run: (plane: Plane) => Promise<Plane>,
  { halo: exact, multipleOf, macPerPixel, pixelsPerMs, scale }: MeasuredGeometry,
): Promise<Approximation> {
  const unit = exact ? multipleOf : leastCommon(multipleOf, ANY_WINDOW);
  const roundUp = (value: number): number => Math.ceil(value / unit) * unit;
  const halos = [...new Set((exact ? HALOS : ANY_HALOS).map(roundUp))];
  const widest = halos.at(-1)!;
  const core = roundUp(24);
  const around = widest + roundUp(16);
  const side = core + 2 * around;

  const pixels = [side, ...halos.map((halo) => core + 2 * halo)].reduce((sum, length) => sum + length ** 2, 0);
  const tooMuch = exact ? pixels * macPerPixel > MOST_WORK : pixels / pixelsPerMs > LONGEST_MS;
  if (tooMuch) {
    return { halo: widest, unit };
  }
  const picture = pictureLike(side, 1);
  const size = { width: core * scale, height: core * scale };
  const expected = crop(await run(picture), around * scale, around * scale, size);
  let levels = Infinity;
  for (const halo of halos) {
    const length = core + 2 * halo;
    const tile = crop(picture, around - halo, around - halo, { width: length, height: length });
    const inTile = crop(await run(tile), halo * scale, halo * scale, size);
    levels = 255 * largestDifference(expected.data, inTile.data);
    if (levels <= UNSEEN) return { halo, unit, levels };
  }
  return { halo: widest, unit, levels };
}

function leastCommon(a: number, b: number): number {
  let result = Math.max(a, b);
  while (result % a !== 0 || result % b !== 0) result += Math.max(a, b);
  return result;
}
