import { join } from 'node:path';
import { graphFileName } from '#src/network/compute-buffer.js';
import { copyMirroredRow } from '#src/network/mirrored-row.js';
import { defaultMemoryBudget, planImage } from '#src/network/plan.js';
import { loadRuntime, mappingOptions } from '#src/network/runtime.js';
import type { PixelImage } from '#src/network/pixel-image.js';
import type { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import type { Rectangle } from '#src/network/tiles.js';
import { WeightsStore } from '#src/network/weights-store.js';

/** The least that can be done to compute an image's tiles: one call of the runtime after the other, in this thread. */
export interface BareLoop {
  /** Input pixels of each tile, halo included. */
  readonly tilePixels: readonly number[];
  readonly run: () => Promise<void>;
  readonly release: () => Promise<void>;
}

/**
 * Opens the very file that the network's threads have mapped and cuts the tiles beforehand: the loop copies nothing in and
 * nothing out, waits for nobody and puts no picture together. What the engine takes longer is what all that costs.
 * @param tilePixels upper bound of a tile, as given to the network's calls
 * @param pixelsPerMs the network's speed, for the plan
 */
export async function openBareLoop(
  network: ThreadSafeNetwork,
  image: PixelImage,
  { cacheFolder, tilePixels, pixelsPerMs }: { cacheFolder: string; tilePixels: number; pixelsPerMs: number },
): Promise<BareLoop> {
  const prepared = await new WeightsStore(cacheFolder).find(network.weights.hash);
  if (!prepared) throw new Error(`there are no prepared weights of ${network.label} in ${cacheFolder}`);
  const { tiles } = planImage({
    width: image.width,
    height: image.height,
    geometry: network.weights.geometry,
    threads: 1,
    memoryBudget: defaultMemoryBudget,
    tilePixels,
    acceptApproximation: false,
    pixelsPerMs,
  });
  const runtime = await loadRuntime();
  const path = join(prepared.folder, graphFileName('uint8', image.channels));
  const session = await runtime.InferenceSession.create(path, mappingOptions());
  const inputs = tiles.map(({ read }) => {
    const dims = [1, read.height, read.width, image.channels];
    return new runtime.Tensor('uint8', crop(image, read), dims);
  });
  return {
    tilePixels: tiles.map(({ read }) => read.width * read.height),
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
