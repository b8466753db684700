import { TimeSlice } from '../../event-loop.js';
import { copyMirroredRow, mirror } from './mirrored-row.js';
import { bytesPerValue, type PixelArray, type PixelImage, pixelTypeOf, viewPixels } from '../../pixels.js';
import type { Rectangle, Tile } from './tiles.js';

/** Where a result goes, within the picture: in input pixels. */
export interface Place extends Rectangle {
  /** What goes there, within the tile's core; repeated to the right and down where it is smaller. */
  readonly from: Rectangle;
}

/** A tile to be computed once and written to one or more places. */
export interface PlacedTile extends Tile {
  /** The first is the core's own. */
  readonly places: readonly Place[];
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
    const own = placeOf(tile.core, image);
    const key = `${shapeOf(tile)} ${probe(tile.read, image)}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    const twin = await findTwin(group, tile, image, slice);
    if (twin) {
      (twin.places as Place[]).push(own);
      continue;
    }
    const placed = { ...tile, places: [own] };
    group.push(placed);
    result.push(placed);
  }
  return result;
}

/** Where a core belongs; it may reach beyond the border of a picture whose size is no multiple of the tiles'. */
export function placeOf(core: Rectangle, { width, height }: Pick<PixelImage, 'width' | 'height'>): Place {
  return {
    x: core.x,
    y: core.y,
    width: Math.min(core.width, width - core.x),
    height: Math.min(core.height, height - core.y),
    from: { x: 0, y: 0, width: core.width, height: core.height },
  };
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
