import type { RowsRequest } from './network-backend.js';
import { PoolCall, type Piece, type PoolCallRequest } from './pool-call.js';
import type { DoneReply, RowsOrder } from './protocol.js';

/** Steps of a piece (see `inBands`): some ten milliseconds, so that nobody waits long for it. */
const pieceSteps = 1 << 23;
const stepsPerMs = 1e6;

/** Rows of a picture. */
interface Band extends Piece {
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

interface RowCallRequest<Given, Found> extends RowsRequest<Given, Found>, Omit<PoolCallRequest, 'pieceMs'> {
  /** Input pixels that the network computes in a millisecond: rows count as much as the pixels of the same time. */
  readonly pixelsPerMs: number;
}

/** Work on rows on its way through the pool. */
export class RowCall<Given, Found> extends PoolCall<Band> {
  readonly weights = undefined;
  readonly largestPiece: number;
  /** What was found in each band, when all are done. */
  readonly found: Found[] = [];
  private readonly begun: Int32Array;

  constructor(private readonly request: RowCallRequest<Given, Found>) {
    const { rows, stepsPerRow, pixelsPerMs } = request;
    const count = Math.min(rows, Math.ceil((rows * stepsPerRow) / pieceSteps));
    const bands = Array.from({ length: count }, (_, index): Band => {
      const [from, to] = [Math.round((index * rows) / count), Math.round(((index + 1) * rows) / count)];
      return { index, from, to, work: Math.ceil((((to - from) * stepsPerRow) / stepsPerMs) * pixelsPerMs) };
    });
    super({ ...request, pieceMs: pieceSteps / stepsPerMs }, bands);
    this.begun = new Int32Array(new SharedArrayBuffer(4 * count));
    this.largestPiece = bands.reduce((most, { work }) => Math.max(most, work), 0);
  }

  override orderFor({ index, from, to }: Band, order: number): RowsOrder {
    const { given, work } = this.request;
    const { begun, cancelled } = this;
    return { kind: 'rows', order, module: work.module, name: work.name, given, from, to, index, begun, cancelled };
  }

  /** Rows that were done in part can't be done again: what they write may follow from what was there. */
  override mayRepeat({ index }: Band): boolean {
    return Atomics.load(this.begun, index) === 0;
  }

  override answered({ index }: Band, { found }: DoneReply): void {
    this.done(() => {
      this.found[index] = found as Found;
    });
  }
}
