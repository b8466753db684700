import { findCells } from './cells.js';
import { limitsFor, planImage, type PlanRequest } from './plan.js';
import { planRegions, type FlatAreas, type RegionPlan } from './region-plan.js';
import { mergeRepeatedTiles, placeOf } from './repeated-tiles.js';
import type { PixelArray, PixelImage } from '../../pixels.js';

/** Multiply-accumulates for a pixel: a network that does less is done before what repeats would be found. */
const leastWork = 10_000;

/** What is to be computed of a picture, and what is known of it. */
export type PicturePlan = Omit<RegionPlan, 'flat'> & {
  /** Undefined where it was not looked for. */
  readonly flat?: FlatAreas;
};

/**
 * Plans an image, and to compute but once what repeats in it. Where tiles equal the whole that is found out cell by cell, else tile
 * by tile.
 * @param isKnown whether the result of a square of one colour, with this side and corner, is known already
 */
export async function planPicture(
  request: PlanRequest,
  image: PixelImage<PixelArray>,
  isKnown: (side: number, corner: { readonly x: number; readonly y: number }) => boolean,
): Promise<PicturePlan> {
  const { geometry } = request;
  const { halo, multipleOf } = geometry;
  const plan = planImage(request);
  if (
    halo &&
    !geometry.approximation &&
    !geometry.pooling &&
    request.tilePixels !== Infinity &&
    geometry.macPerPixel >= leastWork
  ) {
    const cells = await findCells(image, halo, multipleOf);
    const { tiles, computedPixels } = plan;
    if (!cells)
      return { tiles: tiles.map((tile) => ({ ...tile, places: [placeOf(tile.core, image)] })), computedPixels };
    const bounds = limitsFor(request, halo);
    const { width, height } = request;
    const { trimmed } = geometry;
    const regions = await planRegions({
      ...{ width, height, multipleOf, trimmed, cells, ...bounds },
      isKnown: (x, y) => isKnown(cells.side, { x, y }),
    });
    const extra = (regions.tiles.length - tiles.length) * bounds.overheadPixels;
    if (regions.computedPixels + extra < computedPixels) return regions;
  }
  const tiles = await mergeRepeatedTiles(plan.tiles, image);
  return { tiles, computedPixels: tiles.reduce((sum, { work }) => sum + work, 0) };
}
