import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Server } from '../service/context.js';
import type { ServerLimits } from '../service/limits.js';

/** Milliseconds between two looks at what has moved. */
const interval = 250;
/** Bytes that the buffers of two systems take at once: while they are sent on, a slow line looks silent. */
const buffered = 2 * 2 ** 20;
const pieceBytes = 2 ** 16;

/**
 * How long a transfer may still be silent. However slow a line is, whoever sends or takes as much as the least rate goes on for as
 * long as it takes; whoever does not is cut off within `transferSeconds`. This is what Apache's mod_reqtimeout does with
 * its MinRate.
 */
export class TransferAllowance {
  private left: number;
  private readonly most: number;
  private readonly rate: number;

  /** @param credit bytes that may have moved at once and count for later */
  constructor(
    { transferSeconds, transferBytesPerSecond }: Pick<ServerLimits, 'transferSeconds' | 'transferBytesPerSecond'>,
    credit = 0,
  ) {
    this.rate = transferBytesPerSecond;
    this.left = transferSeconds;
    this.most = transferSeconds + credit / this.rate;
  }

  /**
   * Notes what has moved.
   * @returns whether the transfer may go on
   */
  note(bytes: number, seconds: number): boolean {
    this.left = Math.min(this.left + bytes / this.rate, this.most) - seconds;
    return this.left > 0;
  }
}

/** Seconds for which nothing may move on a connection, whatever it is in the middle of. */
export function longestSilence({ transferSeconds, transferBytesPerSecond, requestSeconds }: ServerLimits): number {
  return requestSeconds + transferSeconds + buffered / transferBytesPerSecond;
}

/**
 * Watches a transfer until it is over.
 * @param step bytes that have moved since it was last called
 * @param cut called once, when it is too slow
 * @returns ends the watch; calling it twice does no harm
 */
export function watchTransfer(allowance: TransferAllowance, step: () => number, cut: () => void): () => void {
  let looked = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const goesOn = allowance.note(step(), (now - looked) / 1000);
    looked = now;
    if (goesOn) return;
    clearInterval(timer);
    cut();
  }, interval);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** Cuts off clients that do not take their answers: as long as these are not taken, they lie in memory. */
export function limitResponses(app: Server, limits: ServerLimits): void {
  app.addHook('onSend', (_, { raw }, payload, done) => {
    const allowance = new TransferAllowance(limits, buffered);
    const over = watchTransfer(allowance, stepsOf(raw), () => raw.destroy());
    raw.once('close', over);
    done(null, payload);
  });
}

/** What a client takes of a response. Where nothing waits for the client, as between the events of a job, it is as patient as can be. */
function stepsOf(raw: ServerResponse): () => number {
  let before = raw.socket?.bytesWritten ?? 0;
  return () => {
    const { socket } = raw;
    if (!socket || raw.writableLength === 0) return Infinity;
    const taken = socket.bytesWritten - socket.writableLength;
    const step = taken - before;
    before = taken;
    return step;
  };
}

/** A body piece by piece: of one that is written in one go, no one sees how much was taken. */
export function inPieces(bytes: Uint8Array): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) =>
    bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  );
  return Readable.from(pieces, { objectMode: false, highWaterMark: pieceBytes });
}
