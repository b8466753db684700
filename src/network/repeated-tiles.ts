import type { PixelArray } from './pixel-image.js';
import type { Rectangle, Tile } from './tiles.js';

/** A tile to be computed once and written to one or more places. */
export interface PlacedTile extends Tile {
  /** Where the core's result goes, in input pixels; the first is the tile's own. */
  readonly places: readonly { readonly x: number; readonly y: number }[];
}

/** Rows of the image that are looked at to tell most tiles apart without reading them. */
const probes = 16;

/**
 * Finds tiles that look alike (flat areas, patterns), so that each is computed once. This is exact: what a thread computes is
 * a function of the pixels that it reads, so tiles that read the same pixels and keep the same part of the result give the
 * same bytes.
 * @param image `width` × rows × `channels` values
 */
export function mergeRepeatedTiles(
  tiles: readonly Tile[],
  image: PixelArray,
  width: number,
  channels: number,
): PlacedTile[] {
  const height = image.length / (width * channels);
  const groups = new Map<string, PlacedTile[]>();
  const result: PlacedTile[] = [];
  for (const tile of tiles) {
    const own = { x: tile.core.x, y: tile.core.y };
    // Beyond the border pixels are repeated, not read: such tiles are left alone.
    const inside = tile.read.x + tile.read.width <= width && tile.read.y + tile.read.height <= height;
    if (inside) {
      const key = `${shapeOf(tile)} ${probe(tile.read, image, width, channels)}`;
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      const twin = group.find((other) => sameRead(other.read, tile.read, image, width, channels));
      if (twin) {
        (twin.places as { x: number; y: number }[]).push(own);
        continue;
      }
      const placed = { ...tile, places: [own] };
      group.push(placed);
      result.push(placed);
    } else {
      result.push({ ...tile, places: [own] });
    }
  }
  return result;
}

function shapeOf({ core, read }: Tile): string {
  return [read.width, read.height, core.x - read.x, core.y - read.y, core.width, core.height].join(' ');
}

/** A few values along the tile's diagonal. */
function probe(read: Rectangle, image: PixelArray, width: number, channels: number): string {
  return Array.from({ length: probes }, (_, index) => {
    const x = read.x + Math.floor(((index + 0.5) * read.width) / probes);
    const y = read.y + Math.floor(((index + 0.5) * read.height) / probes);
    return image[(y * width + x) * channels];
  }).join(' ');
}

function sameRead(a: Rectangle, b: Rectangle, image: PixelArray, width: number, channels: number): boolean {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  const pixel = channels * image.BYTES_PER_ELEMENT;
  for (let row = 0; row < a.height; row++) {
    const startA = ((a.y + row) * width + a.x) * pixel;
    const startB = ((b.y + row) * width + b.x) * pixel;
    const length = a.width * pixel;
    if (bytes.compare(bytes, startB, startB + length, startA, startA + length) !== 0) return false;
  }
  return true;
}
