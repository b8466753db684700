import { TimeSlice } from '../../event-loop.js';
import { copyMirroredRow, mirror } from './mirrored-row.js';
import { bytesPerValue, type PixelArray, type PixelImage, pixelTypeOf, viewPixels } from '../../pixels.js';
import type { Rectangle, Tile } from './tiles.js';

/** A tile to be computed once and written to one or more places. */
export interface PlacedTile extends Tile {
  /** Where the core's result goes, in input pixels; the first is the tile's own. */
  readonly places: readonly { readonly x: number; readonly y: number }[];
}

/** Pixels that are compared to tell most tiles apart without reading them all. */
const probes = 16;

/**
 * Finds tiles that look alike (flat areas, patterns), so that each is computed once. This is exact: what a thread computes is
 * a function of the pixels that it reads, so tiles that read the same pixels and keep the same part of the result give the
 * same bytes.
 */
export async function mergeRepeatedTiles(tiles: readonly Tile[], image: PixelImage<PixelArray>): Promise<PlacedTile[]> {
  const groups = new Map<string, PlacedTile[]>();
  const result: PlacedTile[] = [];
  const slice = new TimeSlice();
  for (const tile of tiles) {
    const own = { x: tile.core.x, y: tile.core.y };
    const key = `${shapeOf(tile)} ${probe(tile.read, image)}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    const twin = await findTwin(group, tile, image, slice);
    if (twin) {
      (twin.places as { x: number; y: number }[]).push(own);
      continue;
    }
    const placed = { ...tile, places: [own] };
    group.push(placed);
    result.push(placed);
  }
  return result;
}

async function findTwin(
  group: readonly PlacedTile[],
  tile: Tile,
  image: PixelImage<PixelArray>,
  slice: TimeSlice,
): Promise<PlacedTile | undefined> {
  for (const other of group) if (await sameRead(other.read, tile.read, image, slice)) return other;
  return undefined;
}

function shapeOf({ core, read }: Tile): string {
  return [read.width, read.height, core.x - read.x, core.y - read.y, core.width, core.height].join(' ');
}

/** A few values along the tile's diagonal. */
function probe(read: Rectangle, { data, width, height, channels }: PixelImage<PixelArray>): string {
  return Array.from({ length: probes }, (_, index) => {
    const x = mirror(read.x + Math.floor(((index + 0.5) * read.width) / probes), width);
    const y = mirror(read.y + Math.floor(((index + 0.5) * read.height) / probes), height);
    return data[(y * width + x) * channels];
  }).join(' ');
}

async function sameRead(a: Rectangle, b: Rectangle, image: PixelImage<PixelArray>, slice: TimeSlice): Promise<boolean> {
  const values = a.width * image.channels;
  const type = pixelTypeOf(image.data);
  const [rowA, rowB] = [0, 1].map(() => viewPixels(type, new ArrayBuffer(values * bytesPerValue(type)))) as [
    PixelArray,
    PixelArray,
  ];
  const [bytesA, bytesB] = [Buffer.from(rowA.buffer), Buffer.from(rowB.buffer)];
  for (let row = 0; row < a.height; row++) {
    copyMirroredRow(image, a.x, a.y + row, a.width, rowA, 0);
    copyMirroredRow(image, b.x, b.y + row, b.width, rowB, 0);
    // Bytes, not values: as numbers, a NaN would differ from itself and 0 would equal -0.
    if (!bytesA.equals(bytesB)) return false;
    if (slice.isOver(values)) await slice.renew();
  }
  return true;
}
