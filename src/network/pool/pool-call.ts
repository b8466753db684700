import type { QueueMember } from './fair-queue.js';
import type { DoneReply, PieceOrder } from './protocol.js';

/** What a thread is given at once. */
export interface Piece {
  /** What its call is charged with: input pixels of the network that take as long. */
  readonly work: number;
}

export interface PoolCallRequest {
  /** The network that the limit of threads counts for. */
  readonly network: object;
  readonly lane: object;
  readonly priority: number;
  /** Threads that may compute for the network at once. */
  readonly threads: number;
  /** How long its longest piece is expected to take, in milliseconds; 0 where that does not matter. */
  readonly pieceMs: number;
}

/** Something that the pool's threads do in pieces: which are left, which are being done, and what becomes of it. */
export abstract class PoolCall<P extends Piece = Piece> implements QueueMember {
  /** Resolves when every piece is done; rejects with the first failure, or at once when cancelled. */
  readonly result: Promise<void>;
  /** Resolves when no thread touches the call's memory any more, whatever became of it. */
  readonly settled: Promise<void>;
  readonly network: object;
  readonly lane: object;
  readonly priority: number;
  readonly threads: number;
  readonly pieceMs: number;
  /** The weights that threads need for it: they keep a session for each. */
  abstract readonly weights: string | undefined;
  abstract readonly largestPiece: number;
  protected readonly cancelled = new Int32Array(new SharedArrayBuffer(4));
  private ended = false;
  /** Pieces to be taken, the next one last. */
  private readonly pending: P[];
  private outstanding = 0;
  private resolveResult!: () => void;
  private rejectResult!: (error: Error) => void;
  private resolveSettled!: () => void;

  protected constructor({ network, lane, priority, threads, pieceMs }: PoolCallRequest, pieces: readonly P[]) {
    this.network = network;
    this.lane = lane;
    this.priority = priority;
    this.threads = threads;
    this.pieceMs = pieceMs;
    this.pending = pieces.toReversed();
    this.result = new Promise((resolve, reject) => {
      this.resolveResult = resolve;
      this.rejectResult = reject;
    });
    this.settled = new Promise((resolve) => {
      this.resolveSettled = resolve;
    });
    // Whoever made the call hears of its failure; that there is no listener here is no error.
    this.result.catch(() => undefined);
  }

  get pendingPieces(): number {
    return this.pending.length;
  }

  /** Takes the next piece. */
  take(): P {
    this.outstanding++;
    return this.pending.pop()!;
  }

  /** Whether a piece may be done again after a thread died that was at it; where this is not there, each may. */
  mayRepeat?(piece: P): boolean;

  /** Puts a piece back whose thread died. */
  putBack(piece: P): void {
    this.outstanding--;
    if (!this.ended) this.pending.push(piece);
    this.settleWhenQuiet();
  }

  protected get hasEnded(): boolean {
    return this.ended;
  }

  /** A thread has done this share of a piece, which it is still at. */
  advanced?(piece: P, share: number): void;

  /** What a thread is told to do. */
  abstract orderFor(piece: P, order: number): PieceOrder;

  /** A thread, of this number, did a piece. */
  abstract answered(piece: P, reply: DoneReply, thread: number): void;

  /** A thread left a piece undone because the call has ended. */
  skipped(): void {
    this.outstanding--;
    this.settleWhenQuiet();
  }

  /** A piece failed, and with it the call. */
  failed(error: Error): void {
    this.outstanding--;
    this.end(error);
  }

  /** Ends the call now; pieces that threads are doing are thrown away when they come. */
  cancel(error: Error): void {
    this.end(error);
  }

  /** A piece is done; what is to be noted of it is, unless the call has ended. */
  protected done(note: () => void): void {
    this.outstanding--;
    if (!this.ended) note();
    this.endWhenDone();
    this.settleWhenQuiet();
  }

  protected endWhenDone(): void {
    if (this.pending.length === 0 && this.outstanding === 0) this.end(undefined);
  }

  /** Ends the call, unless it has ended: with an error, or well. */
  protected end(error: Error | undefined): void {
    if (!this.ended) {
      this.ended = true;
      this.pending.length = 0;
      Atomics.store(this.cancelled, 0, 1);
      if (error) this.rejectResult(error);
      else this.resolveResult();
    }
    this.settleWhenQuiet();
  }

  private settleWhenQuiet(): void {
    if (this.ended && this.outstanding === 0) this.resolveSettled();
  }
}
