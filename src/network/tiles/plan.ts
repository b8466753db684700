import { UpresError } from '../../errors.js';
import type { Approximation, MeasuredGeometry } from '../weights/weights-manifest.js';
import type { FixedSize, PoolingStage } from '../../model/catalogue/geometry.js';
import { planFixedTiles } from './fixed-tiles.js';
import { planTiles, type TilePlan, type TilePlanRequest } from './tiles.js';
import type { Halo } from '../../pixels.js';

/** Milliseconds that a tile may take: cancelling and draining wait for one tile. */
const longestTileMs = 300;

/**
 * A network that is slow and has a large receptive field would spend most of that on halos (`real`: three quarters). Its tiles may take so long
 * instead, as far as that makes their cores a few times as long as their halos (`coreToHalos`).
 */
const longestWastefulTileMs = 1500;

/**
 * The same for a picture that is computed at once where it would need passes otherwise: these recompute all that comes before a pool, halos and
 * all, and take several times as long (cunet: four).
 */
const longestWholeMs = 3000;

/** How many times as long as its halos a tile's core is to be where time allows: in passes, where each computes halos anew, longer. */
const coreToHalos = { once: 2, passes: 4 };

/** Channels of the result, and bytes of each value while it is made into pixels: two buffers of floats and the pixel itself. */
const channels = 3;
const pixelBytes = 4 + 4 + 2;

/** What starting a tile costs: a message each way and the runtime's own work. */
const tileOverheadMs = 0.5;

/** Input pixels that an approximate tile sees beyond the picture's borders: what is mirrored there is no picture anyway. */
const approximateBorder = 32;

/**
 * How many times the memory budget a tile with a wide halo may hold: in a smaller one the halo would be most of the work (for
 * ESRGAN's 64 pixels, nine parts in ten).
 */
const wideHaloBudgets = 3;

/**
 * Multiply-accumulates of a tile, for networks whose results depend on the tiles' size by rounding: a part of a second in WebAssembly,
 * where such networks are. No measured speed, which differs from run to run, may have a part in that.
 */
const roundingTileWork = 4e9;

/** The most that exactness may cost, in times the picture's own pixels. */
const exactnessCost = 2;

/** Bytes of activations that a thread may hold for a tile, unless the user says otherwise. */
export const defaultMemoryBudget = 256 * 1024 * 1024;

export interface PlanRequest {
  readonly width: number;
  readonly height: number;
  readonly geometry: MeasuredGeometry;
  /** Threads that will work on this image. */
  readonly threads: number;
  /** Bytes of activations for a tile. */
  readonly memoryBudget: number;
  /** Whether that was said by anyone: a network that takes pictures of one size alone can't do with less, and is refused then only. */
  readonly isBudgetStated?: boolean;
  /** Upper bound of a tile's pixels; undefined leaves it to time and memory. */
  readonly tilePixels: number | undefined;
  readonly acceptApproximation: boolean;
  /** Input pixels a millisecond that one thread was seen to compute lately; undefined: as in the trial run. */
  readonly pixelsPerMs: number | undefined;
}

/** Bytes that computing a tile takes for each of its pixels. */
export const activationBytes = ({ activationBytesPerPixel, scale }: MeasuredGeometry): number =>
  activationBytesPerPixel + scale ** 2 * channels * pixelBytes;

/**
 * The context that an image's tiles need.
 * @param mostPixels of a tile, that memory has room for
 * @returns undefined where the network looks at the whole image, and is to be given it whole
 */
export function haloFor(
  geometry: MeasuredGeometry,
  request: ApproximationRequest,
  mostPixels: number,
): Halo | undefined {
  const approximation = approximationFor(geometry, request, mostPixels);
  return approximation ? everySide(approximation.halo) : geometry.halo;
}

export type ApproximationRequest = Pick<PlanRequest, 'width' | 'height' | 'tilePixels' | 'acceptApproximation'>;

/**
 * Whether a picture is cut into tiles that only come near the whole, and how near. That depends on the picture's size and the
 * network alone, so that the bytes are the same with any number of threads.
 * @param mostPixels that the whole picture may have
 */
export function approximationFor(
  { halo, approximation, fixedSize }: MeasuredGeometry,
  { width, height, tilePixels, acceptApproximation }: ApproximationRequest,
  mostPixels: number,
): Approximation | undefined {
  if (approximation && fixedSize)
    return planFixedTiles({ width, height }, fixedSize, approximation).tiles.length > 1 ? approximation : undefined;
  if (!approximation || tilePixels === Infinity) return undefined;
  if (!halo) {
    if (width * height <= mostPixels) return undefined;
    return isUnseen(approximation) || acceptApproximation ? approximation : undefined;
  }
  if (approximation.rounds) return approximation;
  const whole = (width + halo.left + halo.right) * (height + halo.top + halo.bottom);
  return whole <= Math.min(mostPixels, exactnessCost * width * height) ? undefined : approximation;
}

/** The same for an image on the processor: undefined where it is computed whole, or in tiles that equal the whole. */
export const approximationOf = (request: PlanRequest): Approximation | undefined =>
  request.geometry.pooling ? undefined : approximationFor(request.geometry, request, memoryPixelsOf(request));

const everySide = (pixels: number): Halo => ({ left: pixels, top: pixels, right: pixels, bottom: pixels });

/**
 * Cuts an image into tiles for a network. The result's bytes do not depend on the plan; time and memory do.
 * @throws INPUT_TOO_LARGE for a network that looks at the whole image, or takes one size alone, when that does not fit the memory budget
 */
export function planImage(request: PlanRequest): TilePlan {
  const { geometry, memoryBudget } = request;
  const memoryPixels = memoryPixelsOf(request);
  const { fixedSize } = geometry;
  if (fixedSize) {
    if (request.isBudgetStated && fixedSize.width * fixedSize.height > memoryPixels)
      throw tileTooLarge(request, fixedSize);
    return planFixed(request);
  }
  const shape = shapeOf(request);
  const whole = { ...shape, overheadPixels: 0, threads: 1, maxTilePixels: Infinity };
  if (geometry.pooling) return planTiles({ ...whole, halo: everySide(0) });

  const approximation = approximationFor(geometry, request, memoryPixels);
  if (approximation) {
    const { unit, halo } = approximation;
    // A canonical grid: neither threads nor the machine's speed have a part in it.
    return planTiles({
      width: Math.ceil(request.width / unit) * unit,
      height: Math.ceil(request.height / unit) * unit,
      halo: everySide(halo),
      border: everySide(Math.min(halo, Math.ceil(approximateBorder / unit) * unit)),
      multipleOf: unit,
      maxTilePixels: approximation.rounds
        ? Math.min(memoryPixels, Math.floor(roundingTileWork / geometry.macPerPixel))
        : memoryPixels * wideHaloBudgets,
      threads: 1,
      overheadPixels: 0,
    });
  }
  const { halo } = geometry;
  if (halo && geometry.approximation) return planTiles({ ...whole, halo });
  if (!halo) {
    if (shape.width * shape.height <= memoryPixels || request.tilePixels === Infinity) {
      return planTiles({ ...whole, halo: everySide(0) });
    }
    throw new UpresError(
      'INPUT_TOO_LARGE',
      `this network looks at the whole image at once (${geometry.globalOperators.join(', ')}), and ${request.width}×${request.height} ` +
        `pixels need more than the memory budget of ${Math.round(memoryBudget / 2 ** 20)} MiB: raise memoryBudget, or set ` +
        'acceptApproximation to cut it into tiles whose seams may show',
    );
  }
  if (request.tilePixels === Infinity) return planTiles({ ...whole, halo });
  return planTiles({ ...shapeOf(request), ...limitsFor(request, halo) });
}

function tileTooLarge({ geometry, memoryBudget }: PlanRequest, { width, height }: FixedSize): UpresError {
  const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
  return new UpresError(
    'INPUT_TOO_LARGE',
    `this network was exported for pictures of ${width}×${height} pixels alone, and a tile of that size needs ` +
      `${mebibytes(width * height * activationBytes(geometry))} MiB, more than the memory budget of ${mebibytes(memoryBudget)} MiB: raise ` +
      'memoryBudget, or export it with dynamic height and width',
  );
}

/**
 * Cuts an image for a network that takes pictures of one size alone.
 * @throws INPUT_TOO_LARGE where that would show, and approximation is not accepted
 */
export function planFixed({ geometry, width, height, acceptApproximation }: FixedPlanRequest): TilePlan {
  const { fixedSize, approximation } = geometry;
  const plan = planFixedTiles({ width, height }, fixedSize!, approximation!);
  if (plan.tiles.length === 1 || isUnseen(approximation!) || acceptApproximation) return plan;
  throw new UpresError(
    'INPUT_TOO_LARGE',
    `this network was exported for pictures of ${fixedSize!.width}×${fixedSize!.height} pixels alone, and tiles of that size leave ` +
      `seams: set acceptApproximation to have ${width}×${height} pixels cut all the same, or export it with dynamic height and width`,
  );
}

type FixedPlanRequest = Pick<PlanRequest, 'width' | 'height' | 'geometry' | 'acceptApproximation'>;

/** Whether a trial saw no difference that anyone would. */
const isUnseen = ({ levels }: Approximation): boolean => levels !== undefined && levels <= 1;

/** One of the passes over a picture by a network that pools over the whole of it. */
export interface PlannedPass {
  readonly plan: TilePlan;
  /** What it finds; undefined for the last pass, which makes the picture. */
  readonly stage: PoolingStage | undefined;
  /** Input pixels a millisecond that one thread is expected to compute. */
  readonly pixelsPerMs: number;
  /** Shares of the work: of the passes before it, and its own. */
  readonly before: number;
  readonly share: number;
}

/**
 * Cuts an image into tiles for each pass of a network that pools over the whole picture. Tiles see nothing beyond the borders, as
 * the whole would not: the result's bytes are those of the whole at once.
 * @returns undefined for other networks, and where the image is better computed at once
 */
export function planPasses(request: PlanRequest): PlannedPass[] | undefined {
  const { geometry, tilePixels } = request;
  const { pooling } = geometry;
  if (!pooling || tilePixels === Infinity) return undefined;
  const { width, height } = shapeOf(request);
  const soon = longestWholeMs * speedOf(request);
  if (width * height <= (tilePixels ?? Math.min(memoryPixelsOf(request), soon))) return undefined;
  const { stages } = pooling;
  const macs = [...stages.map(({ macPerPixel }) => macPerPixel), geometry.macPerPixel];
  const all = macs.reduce((sum, mac) => sum + mac, 0) || 1;
  let before = 0;
  return macs.map((mac, index) => {
    const stage = stages[index];
    const pixelsPerMs = (speedOf(request) * geometry.macPerPixel) / (mac || 1);
    const plan = planTiles({
      ...shapeOf(request),
      ...limitsFor({ ...request, pixelsPerMs }, stage?.halo ?? pooling.halo, coreToHalos.passes),
      border: everySide(0),
    });
    const pass = { plan, stage, pixelsPerMs, before, share: mac / all };
    before += mac / all;
    return pass;
  });
}

const speedOf = ({ pixelsPerMs, geometry }: PlanRequest): number => pixelsPerMs ?? geometry.pixelsPerMs;

const memoryPixelsOf = ({ memoryBudget, geometry }: PlanRequest): number =>
  Math.max(1, Math.floor(memoryBudget / activationBytes(geometry)));

/** The image's size as the network needs it. */
function shapeOf({
  width,
  height,
  geometry,
}: PlanRequest): Pick<TilePlanRequest, 'width' | 'height' | 'multipleOf' | 'trimmed'> {
  const { multipleOf: unit, leastSide = unit } = geometry;
  const needed = (length: number): number => Math.max(leastSide, Math.ceil(length / unit) * unit);
  return {
    width: needed(width),
    height: needed(height),
    multipleOf: unit,
    trimmed: geometry.trimmed,
  };
}

/**
 * How large tiles of a halo may be, by time and memory.
 * @param worth how many times as long as its halos a core is worth being made, though the tile takes longer then
 */
export function limitsFor(
  request: PlanRequest,
  halo: Halo,
  worth = coreToHalos.once,
): Pick<TilePlanRequest, 'halo' | 'maxTilePixels' | 'threads' | 'overheadPixels'> {
  const speed = speedOf(request);
  const worthwhile = ((worth + 1) * Math.max(halo.left + halo.right, halo.top + halo.bottom)) ** 2;
  const longest = Math.max(speed * longestTileMs, Math.min(worthwhile, speed * longestWastefulTileMs));
  return {
    halo,
    maxTilePixels: request.tilePixels ?? Math.min(memoryPixelsOf(request), Math.floor(longest)),
    threads: request.threads,
    overheadPixels: speed * tileOverheadMs,
  };
}
