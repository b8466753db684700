import type { InferenceSession } from 'onnxruntime-node';
import { hasCode, UpresError } from '../../errors.js';
import type { FixedSize, Geometry } from '../../model/catalogue/geometry.js';
import { largestDifference, runOnPlane, type Plane } from '../proving.js';
import type { SessionRuntime } from '../pool/runtime.js';
import { crop } from './planes.js';
import { findApproximation, findFixedApproximation } from './approximation-trial.js';
import { randomPlane } from './trial-pictures.js';
import type { MeasuredGeometry } from './weights-manifest.js';

/** A trial costs at most about a second: larger networks are believed what their graph says. */
const trialBudget = 20e9;

/** Input pixels of context beyond which exactness costs too much. */
const farthestExactHalo = 64;

/** Side of the square on which speed is measured: large enough that starting a run does not count. */
const speedSide = 96;

/** Rewriting a sum changes the order of additions: networks with values around 1 differ by about 1e-6. */
const tolerance = 1e-4;

/** What the order of additions changes by itself, in the same measure: context that a tile lacks shows more. */
const mostRounding = 1e-5;

/**
 * Runs a network on random pixels and checks what its graph promised: that the optimised graph computes what the original
 * does, the scale, and that a tile with its halo equals the same part of the whole, bit for bit.
 * @param level by which results may differ because they are whole numbers: of 255 levels, rounding turns any difference into one
 * @param products finds how its matrix products grow with the picture
 * @returns the geometry as it was seen: with the scale where the graph did not tell, marked global where tiles differ
 * @throws MODEL_UNSUPPORTED when the output is no whole multiple of the input, INFERENCE_FAILED when the rewrites are not equal
 */
export async function measureGeometry(
  runtime: SessionRuntime,
  original: InferenceSession,
  optimised: InferenceSession,
  geometry: Geometry,
  level = 0,
  products: () => Promise<(side: number) => number> = () => Promise.resolve(() => 0),
): Promise<MeasuredGeometry> {
  if (geometry.fixedSize)
    return measureFixed(runtime, original, optimised, { ...geometry, fixedSize: geometry.fixedSize }, level);
  const { halo, multipleOf } = geometry;
  const receptiveField = halo ? Math.max(halo.left, halo.right, halo.top, halo.bottom) : 12;
  const unit = Math.max(multipleOf, 1);
  const roundUp = (value: number): number => Math.ceil(value / unit) * unit;
  const affordable = (side: number): boolean => side * side * geometry.macPerPixel <= trialBudget;

  const wanted = 2 * roundUp(receptiveField) + 3 * unit + roundUp(8);
  const side = affordable(wanted) ? wanted : roundUp(16);
  const input = randomPlane(side, roundUp(side + 1));
  const expected = await runOnPlane(runtime, original, input);
  const whole = await runOnPlane(runtime, optimised, input);
  const { scale, largest } = compare(input, expected, whole, geometry, level);
  const pixelsPerMs = await measureSpeed(
    runtime,
    optimised,
    affordable(roundUp(speedSide)) ? roundUp(speedSide) : side,
  );
  const measured = { ...geometry, scale, pixelsPerMs };
  const approximated = async (geometry: MeasuredGeometry): Promise<MeasuredGeometry> => ({
    ...geometry,
    approximation: await findApproximation(
      (plane) => runOnPlane(runtime, optimised, plane),
      geometry,
      geometry.halo ? undefined : await products(),
    ),
  });
  if (!halo) {
    const leastSide = await leastSideOf((plane) => runOnPlane(runtime, optimised, plane), scale, unit, side);
    return approximated({ ...measured, ...(leastSide > unit && { leastSide }) });
  }
  if (receptiveField > farthestExactHalo) return approximated(measured);
  if (side !== wanted) return measured;

  // A tile away from the borders, where a halo too small would see other pixels than the whole; on the strides' phase.
  const x = roundUp(halo.left);
  const y = roundUp(halo.top);
  const tile = crop(input, unit, unit, {
    width: roundUp(halo.left) + unit + roundUp(halo.right),
    height: roundUp(halo.top) + unit + roundUp(halo.bottom),
  });
  const alone = await runOnPlane(runtime, optimised, tile);
  const size = { width: unit * scale, height: unit * scale };
  const inWhole = crop(whole, (x + unit) * scale, (y + unit) * scale, size);
  const inTile = crop(alone, x * scale, y * scale, size);
  const equal = inWhole.data.every((value, index) => value === inTile.data[index]);
  if (equal) return measured;
  // Kernels may add in another order where there are few pixels, as those for strided convolutions do in WebAssembly.
  const rounding = largestDifference(inWhole.data, inTile.data) / largest;
  if (rounding <= mostRounding) {
    const approximation = { halo: roundUp(receptiveField), unit, levels: 255 * rounding, rounds: true } as const;
    return { ...measured, approximation };
  }
  return approximated({
    ...measured,
    halo: undefined,
    globalOperators: [...geometry.globalOperators, 'unknown (tiles differ)'],
  });
}

/**
 * The least sides with which a network computes a picture as a whole: some mirror its borders inside, by more than a small picture has, or
 * reduce it until nothing is left.
 * @param most sides that it was seen to take
 */
async function leastSideOf(
  run: (plane: Plane) => Promise<Plane>,
  scale: number,
  unit: number,
  most: number,
): Promise<number> {
  for (let side = unit; side < most; side *= 2) {
    try {
      const { width, height } = await run(randomPlane(side, side + unit));
      if (width === side * scale && height === (side + unit) * scale) return side;
    } catch (error) {
      if (!hasCode(error, 'MODEL_UNSUPPORTED')) throw error;
    }
  }
  return most;
}

/** The same for a network that takes pictures of one size alone. */
async function measureFixed(
  runtime: SessionRuntime,
  original: InferenceSession,
  optimised: InferenceSession,
  geometry: Geometry & { readonly fixedSize: FixedSize },
  level: number,
): Promise<MeasuredGeometry> {
  const { width, height } = geometry.fixedSize;
  const input = randomPlane(width, height);
  const run = (plane: Plane): Promise<Plane> => runOnPlane(runtime, optimised, plane);
  const expected = await runOnPlane(runtime, original, input);
  const { scale } = compare(input, expected, await run(input), geometry, level);
  const started = performance.now();
  await run(input);
  const pixelsPerMs = (width * height) / (performance.now() - started);
  const measured = { ...geometry, scale, pixelsPerMs };
  return { ...measured, approximation: await findFixedApproximation(run, measured) };
}

/**
 * What both sessions made of the input, compared.
 * @returns the scale, and the largest value, 1 at least
 */
function compare(
  input: Plane,
  expected: Plane,
  seen: Plane,
  geometry: Geometry,
  level: number,
): { scale: number; largest: number } {
  const scale = scaleOf(input, seen);
  if (geometry.scale !== undefined && geometry.scale !== scale) {
    throw new UpresError(
      'MODEL_UNSUPPORTED',
      `the network enlarges ×${scale}, where its graph promises ×${geometry.scale}`,
    );
  }
  // Relative to the largest value, where that is more than 1: networks without bounds answer noise with values in the thousands,
  // and where these cancel out, rounding is left.
  const largest = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const difference = largestDifference(expected.data, seen.data) / largest;
  if (!(difference <= tolerance + level)) {
    throw new UpresError(
      'INFERENCE_FAILED',
      `the network rewritten for speed differs from the original by ${difference} (at most ${tolerance} is allowed)`,
    );
  }
  return { scale, largest };
}

/** The best of a few runs, since a machine that does other things only makes them slower. */
async function measureSpeed(runtime: SessionRuntime, session: InferenceSession, side: number): Promise<number> {
  const input = randomPlane(side, side);
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    const started = performance.now();
    await runOnPlane(runtime, session, input);
    best = Math.min(best, performance.now() - started);
  }
  return (side * side) / best;
}

function scaleOf(input: Plane, output: Plane): number {
  const scale = output.width / input.width;
  if (!Number.isInteger(scale) || output.height !== input.height * scale) {
    throw new UpresError(
      'MODEL_UNSUPPORTED',
      `the network makes ${output.width}×${output.height} pixels of ${input.width}×${input.height}: only whole scale factors work`,
    );
  }
  return scale;
}
