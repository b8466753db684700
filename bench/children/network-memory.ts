// Upscales a photograph with a network of the user's and prints the process's peak memory in bytes.
// Arguments: the network's file, width and height in pixels.
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { photograph } from '../pictures.js';
import { ownPeakBytes } from '../run-child.js';

const [file, width, height] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
await using network = await ThreadSafeNetwork.loadFromFile(file, { threads: 2 });
const { data, channels } = await photograph(Math.max(width, height));
// Of a square of the larger side its first rows.
await network.upscaleImage({ data: data.subarray(0, width * height * channels), width, height, channels });
console.log(ownPeakBytes());
