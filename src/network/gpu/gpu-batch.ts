import { UpresError } from '../../errors.js';
import type { Call } from '../pool/call.js';
import type { PixelArray } from '../../pixels.js';
import type { TileOrder } from '../pool/protocol.js';
import type { PlacedTile } from '../tiles/repeated-tiles.js';
import { readTile, writeCore } from '../tiles/tile-pixels.js';

/** Tiles of one call, all of one shape, that are computed in one run. */
export class GpuBatch {
  /** What holds for all of its tiles. */
  readonly first: TileOrder;
  /** Input pixels, halos included. */
  readonly pixels: number;
  private readonly orders: readonly TileOrder[];

  constructor(
    readonly call: Call,
    private readonly tiles: readonly PlacedTile[],
  ) {
    // Numbers of orders are for threads; the device's process gets one for the whole batch.
    this.orders = tiles.map((tile) => call.orderFor(tile, 0));
    this.first = this.orders[0]!;
    this.pixels = tiles.length * this.first.read.width * this.first.read.height;
  }

  get count(): number {
    return this.tiles.length;
  }

  /** Copies the tiles' pixels out of their image, one after another. */
  readInto(target: PixelArray): void {
    const values = (this.pixels * this.first.channels) / this.count;
    this.orders.forEach((order, index) => {
      readTile(order, target, index * values);
    });
  }

  /**
   * Writes the tiles' results into the image, unless the call has ended meanwhile, and tells the call.
   * @param ms how long the device took
   * @throws INFERENCE_FAILED when the result has not the size that the scale promises; then the call is not told
   */
  finish(result: PixelArray, ms: number): void {
    const { channels, scale } = this.first;
    const values = (this.pixels * channels * scale ** 2) / this.count;
    if (result.length !== values * this.count) {
      throw new UpresError(
        'INFERENCE_FAILED',
        `the network made ${result.length} values of ${this.pixels * channels}: not ×${scale}`,
      );
    }
    // The clock that all threads of the process share; the device's process has its own.
    const ended = Number(process.hrtime.bigint()) / 1e6;
    const record = { thread: 0, started: ended - ms, ended, pixels: this.pixels / this.count };
    this.tiles.forEach((tile, index) => {
      const order = this.orders[index]!;
      if (Atomics.load(order.cancelled, 0) === 0) {
        writeCore(order, result.subarray(index * values, (index + 1) * values));
      }
      this.call.completed(tile, record);
    });
  }

  fail(reason: UpresError): void {
    // One answer for each tile that was taken.
    this.tiles.forEach(() => {
      this.call.failed(reason);
    });
  }
}
