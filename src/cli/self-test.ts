import { ThreadSafeNetwork } from '../network/thread-safe-network.js';

export interface Speed {
  /** The network that was run. */
  readonly model: string;
  readonly threads: number;
  /** Input pixels per second, all threads together. */
  readonly pixelsPerSecond: number;
  /** Milliseconds until the network was ready: much longer the first time, when it is prepared for this processor. */
  readonly startMs: number;
}

const side = 512;
const seconds = 1;

/** Runs `natural` ×2 on noise for about a second. */
export async function selfTest(): Promise<Speed> {
  const begin = performance.now();
  await using network = await ThreadSafeNetwork.loadBuiltinNatural();
  await network.upscaleImage(noise(0));
  const start = performance.now();
  let pixels = 0;
  do {
    await network.upscaleImage(noise(pixels));
    pixels += side * side;
  } while (performance.now() - start < seconds * 1000);
  const elapsed = (performance.now() - start) / 1000;
  return { model: 'natural ×2', threads: network.threads, pixelsPerSecond: pixels / elapsed, startMs: start - begin };
}

/** A picture without two equal tiles, which would be computed once; another one for each seed. */
function noise(seed: number) {
  const data = new Uint8Array(side * side * 3);
  let state = (seed * 2654435761 + 88172645) >>> 0 || 1;
  for (let i = 0; i < data.length; i++) {
    // Marsaglia's xorshift32.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[i] = state;
  }
  return { width: side, height: side, channels: 3 as const, data };
}
