import type { PixelImage } from '#src/pixels.js';
import type { TileRecord } from '#src/network/pool/call.js';
import type { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';

/** Runs an image through a network and returns how its tiles were computed. */
export async function recordTiles(
  network: ThreadSafeNetwork,
  image: PixelImage,
  tilePixels?: number,
): Promise<TileRecord[]> {
  const records: TileRecord[] = [];
  await network.upscaleImage(image, {
    onTile: (record) => records.push(record),
    ...(tilePixels === undefined ? {} : { tilePixels }),
  });
  return records;
}

/** Calls after which a network's notion of its own speed, on which its tiles depend, has settled. */
const callsToSettle = 6;

/** Starts the threads, opens the sessions and lets the network learn how fast this machine is. */
export async function warmUp(network: ThreadSafeNetwork, image: PixelImage, calls = callsToSettle): Promise<void> {
  for (let call = 0; call < calls; call++) await network.upscaleImage(image);
}

/** Input pixels a millisecond that one thread computes: the fastest tile's, since whatever disturbs makes tiles slower. */
export function speedOf(records: readonly TileRecord[]): number {
  return Math.max(...records.map(({ pixels, started, ended }) => pixels / (ended - started)));
}
