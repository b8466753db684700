import { onWasm } from './device.js';

/** A label and a scale to test. */
export interface Builtin {
  readonly label: string;
  readonly scale: number;
  /** Keeps what is there: a flat colour stays that colour, exactly. The others restore, or were trained by others. */
  readonly faithful: boolean;
  /** Computes many times as much for each pixel, so that fewer cases have to do. */
  readonly heavy: boolean;
}

const ours = { faithful: true, heavy: false };
const chain = { faithful: true, heavy: true };
const restoring = { faithful: false, heavy: true };

/** Every built-in network with each scale of its own, but one for those that differ in weights only; a chain; interpolations. */
export const allBuiltins: readonly Builtin[] = [
  { label: 'natural', scale: 2, ...ours },
  { label: 'natural', scale: 3, ...ours },
  { label: 'natural', scale: 4, ...ours },
  { label: 'natural-jpeg', scale: 2, faithful: false, heavy: false },
  { label: 'art', scale: 2, ...ours },
  { label: 'art', scale: 4, ...chain },
  { label: 'art-jpeg', scale: 2, faithful: false, heavy: false },
  { label: 'anime', scale: 2, ...restoring },
  { label: 'anime-noise1', scale: 2, ...restoring },
  { label: 'real', scale: 4, ...restoring },
  { label: 'bilinear', scale: 2, ...ours },
  { label: 'bicubic', scale: 2, ...ours },
  { label: 'bicubic', scale: 3, ...ours },
  { label: 'nearest', scale: 2, ...ours },
];

/**
 * Those that tests of threads, tiles and sizes go through. In WebAssembly the heavy ones would take minutes in each of these tests, and
 * nothing in the engine tells them from others; `wasm-networks.test.ts` has them, each with a picture whole and in tiles.
 */
export const builtins = onWasm ? allBuiltins.filter(({ heavy }) => !heavy) : allBuiltins;
