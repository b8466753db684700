import { copyMirroredRow } from './mirrored-row.js';
import { viewPixels, type PixelArray } from '../../pixels.js';
import type { TileOrder } from '../pool/protocol.js';

/** What says where a tile's pixels come from. */
export type TileRead = Pick<TileOrder, 'type' | 'channels' | 'input' | 'inputWidth' | 'inputHeight' | 'read'>;

/** What says where a tile's result goes. */
export type TileWrite = Pick<
  TileOrder,
  'type' | 'channels' | 'scale' | 'output' | 'inputWidth' | 'inputHeight' | 'read' | 'core' | 'places'
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
 * @param result what the network made of `read`: `scale` times as wide and as high
 */
export function writeCore(order: TileWrite, result: PixelArray): void {
  const { core, read, scale, places, inputWidth, inputHeight } = order;
  const output = viewPixels(order.type, order.output);
  const pixel = order.channels * scale;
  for (const place of places) {
    // A core may reach beyond the border of an image whose size is no multiple of the tiles'.
    const width = Math.min(core.width, inputWidth - place.x) * pixel;
    const height = Math.min(core.height, inputHeight - place.y) * scale;
    for (let row = 0; row < height; row++) {
      const from = ((core.y * scale + row) * read.width + core.x) * pixel;
      const to = ((place.y * scale + row) * inputWidth + place.x) * pixel;
      output.set(result.subarray(from, from + width), to);
    }
  }
}
