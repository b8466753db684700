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
