// The interface of a graph that is cut into pieces, which threads know without the code that cuts.

/** The input that says which piece is to be run: a number from 0. */
export const pieceName = 'upres_piece';

/** The input by which a piece gets a tensor that an earlier one gave by the output of the same number. */
export const heldName = (slot: number): string => `upres_held${slot}`;

/**
 * The output by which a piece hands a tensor on. Without values: what is held there stays. With one value: it is not needed any more.
 */
export const handedName = (slot: number): string => `upres_handed${slot}`;

/** Inputs besides what is held: the picture and the piece's number. */
export const pieceInputs = 2;

/** How a graph that is cut into pieces is run. */
export interface PiecePlan {
  /** Of the graph's work, for each piece. */
  readonly shares: readonly number[];
  /** Where the last piece makes so much of what it is given that it is run on some rows of that after others. */
  readonly strips?: Strips;
}

/** How the last piece is run on rows of what it is given. */
export interface Strips {
  /** Rows above and below that a strip needs besides its own. */
  readonly halo: number;
  /** Bytes that are alive at once for each place of what is given. */
  readonly bytesPerPlace: number;
}
