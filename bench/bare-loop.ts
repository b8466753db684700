import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wrapPixels } from '#src/model/graph/pixels.js';
import { graphFileName } from '#src/network/tiles/compute-buffer.js';
import { copyMirroredRow } from '#src/network/tiles/mirrored-row.js';
import type { PixelImage } from '#src/pixels.js';
import { defaultMemoryBudget, planImage } from '#src/network/tiles/plan.js';
import { loadRuntime, mappingOptions } from '#src/network/pool/runtime.js';
import type { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import type { Rectangle, Tile } from '#src/network/tiles/tiles.js';
import { coreName, type MeasuredGeometry } from '#src/network/weights/weights-manifest.js';
import { WeightsStore } from '#src/network/weights/weights-store.js';
import { geometryOf } from './geometry-of.js';

/** What a bare loop computes, in a form that can be given to another process. */
export interface BareLoopPlan {
  /** The graph: the very file that the network's threads have mapped, or the whole of it where they compute it in segments. */
  readonly path: string;
  /** Side of the square photograph. */
  readonly side: number;
  /** Upper bound of a tile, for the network's calls: then it computes these. */
  readonly tilePixels: number;
  /** What each tile reads, and what it counts for. */
  readonly tiles: readonly Pick<Tile, 'read' | 'work'>[];
}

/** The least that can be done to compute an image's tiles: one call of the runtime after the other, in this thread. */
export interface BareLoop {
  readonly run: () => Promise<void>;
  readonly release: () => Promise<void>;
}

/**
 * Plans the same tiles that a network's one thread computes of a square image.
 * @param pixelsPerMs the network's speed
 */
export async function planBareLoop(
  network: ThreadSafeNetwork,
  side: number,
  { cacheFolder, pixelsPerMs }: { cacheFolder: string; pixelsPerMs: number },
): Promise<BareLoopPlan> {
  const prepared = await new WeightsStore(cacheFolder).find(network.weights.hash);
  if (!prepared) throw new Error(`there are no prepared weights of ${network.label} in ${cacheFolder}`);
  const request = {
    width: side,
    height: side,
    geometry: geometryOf(network),
    threads: 1,
    memoryBudget: defaultMemoryBudget,
    acceptApproximation: false,
    pixelsPerMs,
  };
  const usual = planImage({ ...request, tilePixels: undefined });
  const tilePixels = Math.max(...usual.tiles.map(({ read }) => read.width * read.height));
  const { tiles } = planImage({ ...request, tilePixels });
  return {
    path: await wholeGraph(prepared.folder, request.geometry),
    side,
    tilePixels,
    tiles: tiles.map(({ read, work }) => ({ read, work })),
  };
}

/** The graph that computes a tile at once: where the network's own is cut into segments, it is written next to it. */
async function wholeGraph(folder: string, { segments }: MeasuredGeometry): Promise<string> {
  const own = join(folder, graphFileName('uint8', 3));
  if (!segments) return own;
  const whole = join(folder, `whole-${graphFileName('uint8', 3)}`);
  await writeFile(whole, wrapPixels(await readFile(join(folder, coreName)), 'uint8', 3));
  return whole;
}

/**
 * Opens the graph and cuts the tiles beforehand: the loop copies nothing in and nothing out, waits for no one and puts no
 * picture together. What the engine takes longer is what all that costs.
 */
export async function openBareLoop({ path, tiles }: BareLoopPlan, image: PixelImage): Promise<BareLoop> {
  const runtime = await loadRuntime();
  const session = await runtime.InferenceSession.create(path, mappingOptions());
  const inputs = tiles.map(({ read }) => {
    const dims = [1, read.height, read.width, image.channels];
    return new runtime.Tensor('uint8', crop(image, read), dims);
  });
  return {
    run: async () => {
      for (const pixels of inputs) {
        const { upscaled } = await session.run({ pixels });
        upscaled?.dispose();
      }
    },
    release: () => session.release(),
  };
}

function crop(image: PixelImage, { x, y, width, height }: Rectangle): Uint8Array {
  const rowLength = width * image.channels;
  const pixels = new Uint8Array(height * rowLength);
  for (let row = 0; row < height; row++) copyMirroredRow(image, x, y + row, width, pixels, row * rowLength);
  return pixels;
}
