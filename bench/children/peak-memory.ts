// Upscales a square photograph with a number of threads and prints the process's peak memory in bytes.
// Arguments: threads, side in pixels (0: only loads the network), how many images at once.
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { photograph } from '../pictures.js';
import { ownPeakBytes } from '../run-child.js';

const [threads, side, images] = process.argv.slice(2).map(Number) as [number, number, number];
await using network = await ThreadSafeNetwork.loadBuiltinNatural({ threads });
if (side > 0) {
  const image = await photograph(side);
  // Twice, since a process that lives on must not grow with what it has done.
  for (let call = 0; call < 2; call++) {
    await Promise.all(Array.from({ length: images }, () => network.upscaleImage(image)));
  }
}
console.log(ownPeakBytes());
