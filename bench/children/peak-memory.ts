// Upscales a square photograph with a number of threads and prints the process's peak memory in bytes.
// Arguments: threads, side in pixels (0: only loads the network), how many images at once, device (default: cpu).
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import type { ProcessorDevice } from '#src/network/device.js';
import { photograph } from '../pictures.js';
import { ownPeakBytes } from '../run-child.js';

const [threads, side, images] = process.argv.slice(2).map(Number) as [number, number, number];
const device = (process.argv[5] ?? 'cpu') as ProcessorDevice;
await using network = await ThreadSafeNetwork.loadBuiltinNatural({ threads, device });
if (side > 0) {
  const image = await photograph(side);
  // Twice, since a process that lives on must not grow with what it has done.
  for (let call = 0; call < 2; call++) {
    await Promise.all(Array.from({ length: images }, () => network.upscaleImage(image)));
  }
}
console.log(ownPeakBytes());
