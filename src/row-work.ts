import { inBands } from './event-loop.js';

/**
 * Work on the rows of a picture, as something that a module exports: so another thread can load the module and do some of the
 * rows. They are done in bands, in any order and side by side, so that each writes only what no other reads; what is written to
 * lies on shared memory.
 */
export interface RowWork<Given, Found> {
  /** URL of the module: by `new URL` of its own name, which remains true where modules are joined to one file. */
  readonly module: string;
  /** The name of its export. */
  readonly name: string;
  /** Makes what does the rows from `from` to before `to`, and says what it found there. What is given can be posted. */
  readonly begin: (given: Given) => (from: number, to: number) => Found;
}

/**
 * Does all rows.
 * @param stepsPerRow about how many values are read or written for each
 * @returns what was found in each band, from the first to the last
 */
export type DoRows = <Given, Found>(
  work: RowWork<Given, Found>,
  given: Given,
  rows: number,
  stepsPerRow: number,
) => Promise<Found[]>;

/** Does rows in this thread, without keeping its event loop waiting. */
export const inThisThread: DoRows = async (work, given, rows, stepsPerRow) => {
  const band = work.begin(given);
  const found: ReturnType<typeof band>[] = [];
  await inBands(rows, stepsPerRow, (from, to) => {
    found.push(band(from, to));
  });
  return found;
};
