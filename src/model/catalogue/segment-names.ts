// The interface of a graph that is cut into segments, which threads know without the code that cuts.

/** The input that says which segment is to be run: a number from 0. */
export const segmentName = 'upres_segment';

/** The input by which a segment gets a tensor that an earlier one gave by the output of the same number. */
export const heldName = (slot: number): string => `upres_held${slot}`;

/**
 * The output by which a segment hands a tensor on. Without values: what is held there stays. With one value: it is not needed any more.
 */
export const handedName = (slot: number): string => `upres_handed${slot}`;

/** Inputs besides what is held: the picture and the segment's number. */
export const segmentInputs = 2;

/** How a graph that is cut into segments is run. */
export interface SegmentPlan {
  /** Of the graph's work, for each segment. */
  readonly shares: readonly number[];
  /** Where the last segment makes so much of what it is given that it is run on some rows of that after others. */
  readonly strips?: Strips;
}

/** How it is run for a caller. */
export interface SegmentRun extends SegmentPlan {
  /** Bytes of activations that a tile may hold: strips keep to it. */
  readonly memoryBudget: number;
}

/** How the last segment is run on rows of what it is given. */
export interface Strips {
  /** Rows above and below that a strip needs besides its own. */
  readonly halo: number;
  /** Bytes that are alive at once for each place of what is given. */
  readonly bytesPerPlace: number;
}
