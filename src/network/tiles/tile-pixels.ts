import { copyMirroredRow } from './mirrored-row.js';
import { viewPixels, type PixelArray } from '../../pixels.js';
import type { TileOrder } from '../pool/protocol.js';
import type { Rectangle } from './tiles.js';

/** What says where a tile's pixels come from. */
export type TileRead = Pick<TileOrder, 'type' | 'channels' | 'input' | 'inputWidth' | 'inputHeight' | 'read'>;

/** What says where a tile's result goes. */
export type TileWrite = Pick<
  TileOrder,
  'type' | 'channels' | 'scale' | 'output' | 'inputWidth' | 'made' | 'core' | 'places'
>;

/**
 * Copies what a tile reads out of its image, mirrored beyond the borders.
 * @param target takes `read.width * read.height * channels` values from `offset` on
 */
export function readTile(order: TileRead, target: PixelArray, offset: number): void {
  const { read, type, channels, inputWidth: width, inputHeight: height } = order;
  const image = { data: viewPixels(type, order.input), width, height, channels };
  const rowLength = read.width * channels;
  for (let row = 0; row < read.height; row++) {
    copyMirroredRow(image, read.x, read.y + row, read.width, target, offset + row * rowLength);
  }
}

/**
 * Writes the core of a tile's result to every place that it belongs to.
 * @param result what the network made: `scale` times as wide and as high as `made`
 */
export function writeCore(order: TileWrite, result: PixelArray): void {
  const { core, made, scale, places, type, channels, inputWidth } = order;
  const output = { data: viewPixels(type, order.output), rowLength: inputWidth * channels * scale };
  const source = { data: result, rowLength: made.width * channels * scale };
  for (const { from, ...to } of places) {
    writeRepeated(source, { ...from, x: core.x + from.x, y: core.y + from.y }, output, to, channels, scale);
  }
}

interface Rows {
  readonly data: PixelArray;
  /** Values. */
  readonly rowLength: number;
}

/**
 * Copies a rectangle of results, repeated to the right and down where it is smaller than the place that it goes to.
 * @param from in input pixels, like `to`
 */
export function writeRepeated(
  source: Rows,
  from: Rectangle,
  target: Rows,
  to: Rectangle,
  channels: 1 | 3,
  scale: number,
): void {
  const pixel = channels * scale;
  const width = to.width * pixel;
  const period = Math.min(from.width, to.width) * pixel;
  const height = to.height * scale;
  const rows = Math.min(from.height * scale, height);
  const first = to.y * scale * target.rowLength + to.x * pixel;
  for (let row = 0; row < height; row++) {
    const at = first + row * target.rowLength;
    if (row >= rows) {
      const same = at - rows * target.rowLength;
      target.data.copyWithin(at, same, same + width);
      continue;
    }
    const start = (from.y * scale + row) * source.rowLength + from.x * pixel;
    target.data.set(source.data.subarray(start, start + period), at);
    for (let done = period; done < width; done *= 2) {
      target.data.copyWithin(at + done, at, at + Math.min(done, width - done));
    }
  }
}
