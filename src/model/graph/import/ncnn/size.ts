/**
 * Rows or columns of a blob for two pictures at once. All arithmetic is done for both; what comes out the same for both is a
 * constant of the network, and two sizes are enough to tell n from 2 n - 4.
 */
export type Extent = readonly [number, number];

export interface Size {
  readonly h: Extent;
  readonly w: Extent;
}

/**
 * The two supposed pictures. Multiples of many small numbers, so that strides divide them; large, so that no usual kernel
 * uses them up.
 */
export const PICTURES: Extent = [80_640, 120_960];

/** Of a blob that has no rows and columns: what is left after a mean over the picture. */
export const VECTOR: Size = { h: [1, 1], w: [1, 1] };

export function isVector({ h, w }: Size): boolean {
  return [...h, ...w].every((length) => length === 1);
}

export function mapExtent(extent: Extent, change: (length: number) => number): Extent {
  return [change(extent[0]), change(extent[1])];
}

function sameExtent(a: Extent, b: Extent): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

export function sameSize(a: Size, b: Size): boolean {
  return sameExtent(a.h, b.h) && sameExtent(a.w, b.w);
}

/** What both pictures agree on; undefined where they differ. */
export function constantOf([a, b]: Extent): number | undefined {
  return a === b ? a : undefined;
}

/** How a length grows with the picture's: length = factor * picture + offset. */
export function growthOf(length: Extent): { factor: number; offset: number } {
  const factor = (length[1] - length[0]) / (PICTURES[1] - PICTURES[0]);
  return { factor, offset: length[0] - factor * PICTURES[0] };
}
