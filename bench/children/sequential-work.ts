// Upscales the files given as arguments, one after the other on one thread, and prints where the time went as JSON.
import { Upscaler } from '#src/image/upscale.js';
import { timed } from '../statistics.js';

/** Sums over all pictures. */
export interface SequentialWork {
  readonly megapixels: number;
  readonly inferenceMs: number;
  readonly codecMs: number;
  /** All of it from the first picture's bytes to the last one's, on the clock and of the processor. */
  readonly wallMs: number;
  readonly cpuMs: number;
}

const files = process.argv.slice(2);
await using upscaler = new Upscaler({ threads: 1 });
// The start of threads, runtime and codecs is not work on pictures.
await upscaler.upscale(files[0]!);

let pixels = 0;
let inferenceMs = 0;
let codecMs = 0;
const { wallMs, cpuMs } = await timed(async () => {
  for (const file of files) {
    const result = await upscaler.upscale(file);
    pixels += result.sourceWidth * result.sourceHeight * result.frames;
    inferenceMs += result.inferenceMs;
    codecMs += result.codecMs;
  }
});
const work: SequentialWork = { megapixels: pixels / 1e6, inferenceMs, codecMs, wallMs, cpuMs };
console.log(JSON.stringify(work));
