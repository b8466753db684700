import { bytesPerValue, viewPixels, type PixelArray, type PixelType } from '../../pixels.js';
import type { GpuLedger } from './gpu-context.js';

/** How long a caller that has no calls keeps its buffer. */
const keepMs = 10_000;

/**
 * A buffer for each caller, in which its batches are put together; sending copies it, so it is free again at once. Callers
 * that were not seen for longest lose theirs when all together take too much.
 */
export class StagingPools {
  /** In the order of use, the latest last. */
  private readonly buffers = new Map<object, ArrayBuffer>();
  private readonly timers = new Map<object, NodeJS.Timeout>();

  constructor(private readonly ledger: GpuLedger) {}

  /**
   * Room for a batch of a caller, to be used before anything else happens.
   * @param mostBytes what all callers may hold together; the caller gets what it needs all the same
   */
  room(lane: object, type: PixelType, values: number, mostBytes: number): PixelArray {
    this.stopTimer(lane);
    const bytes = values * bytesPerValue(type);
    let buffer = this.buffers.get(lane);
    if (!buffer || buffer.byteLength < bytes) {
      this.release(lane);
      buffer = new ArrayBuffer(bytes);
      this.ledger.add('callers', 1);
      this.count(bytes);
    }
    this.buffers.delete(lane);
    this.buffers.set(lane, buffer);
    for (const other of this.buffers.keys()) {
      if (other === lane || this.ledger.context.state.pools.bytes <= mostBytes) break;
      this.release(other);
    }
    return viewPixels(type, buffer).subarray(0, values);
  }

  /** A caller has no calls for now. */
  idle(lane: object): void {
    this.stopTimer(lane);
    if (!this.buffers.has(lane)) return;
    const timer = setTimeout(() => {
      this.release(lane);
    }, keepMs);
    timer.unref();
    this.timers.set(lane, timer);
  }

  releaseAll(): void {
    for (const lane of [...this.buffers.keys()]) this.release(lane);
  }

  private release(lane: object): void {
    this.stopTimer(lane);
    const buffer = this.buffers.get(lane);
    if (!buffer) return;
    this.buffers.delete(lane);
    this.ledger.add('callers', -1);
    this.count(-buffer.byteLength);
  }

  private stopTimer(lane: object): void {
    clearTimeout(this.timers.get(lane));
    this.timers.delete(lane);
  }

  private count(bytes: number): void {
    this.ledger.add('poolBytes', bytes);
    this.ledger.add('staging', bytes);
  }
}
