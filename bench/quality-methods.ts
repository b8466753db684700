import { join } from 'node:path';
import sharp from 'sharp';
import type { Upscaler } from '#src/image/upscale.js';
import { builtinLabels, exactChain } from '#src/model/catalogue/registry.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import type { RgbImage } from './quality-data.js';

/** What a method makes of a file. */
export interface Enlarged {
  readonly png: Uint8Array;
  /** The network that `auto` took, and why. */
  readonly model?: string;
  readonly reason?: string;
}

/** One way to enlarge pictures. */
export interface Method {
  readonly name: string;
  readonly kind: 'auto' | 'network' | 'interpolation' | 'peer';
  readonly fits: (scale: number) => boolean;
  /** A file in, a PNG out, as a user would do it: decoding, alpha and encoding included. */
  readonly enlarge: (file: Uint8Array, scale: number) => Promise<Enlarged>;
  /** Loads what is run against the clock; `auto` has no speed of its own. */
  readonly open?: (scale: number, cacheFolder: string) => Promise<Runner>;
}

/** Pixels in, pixels out: neither decoding nor encoding. */
export interface Runner extends AsyncDisposable {
  readonly passes: readonly number[];
  readonly run: (image: RgbImage) => Promise<unknown>;
}

/** Network labels that `auto` is compared with where a choice is judged: what it might have taken. */
export const choices: readonly string[] = builtinLabels()
  .map(({ label }) => label)
  .filter((label) => /^(natural|art|nearest)/.test(label));

/**
 * `auto`, every built-in with a scale of its own, sharp's `lanczos3`, and UpscalerJS's `esrgan-slim`.
 * @param slimFolder where the package @upscalerjs/esrgan-slim is
 */
export function methodsOf(upscaler: Upscaler, slimFolder: string): Method[] {
  const builtins = builtinLabels().map(({ label, kind, scales }): Method => ({
    name: label,
    kind,
    fits: (scale) => scales.includes(scale),
    enlarge: byUpscaler(upscaler, () => label),
    open: async (scale, cacheFolder) =>
      runnerOf(await ThreadSafeNetwork.fromLabel(label, { scale, cacheFolder }), exactChain(label, scale)),
  }));
  return [
    { name: 'auto', kind: 'auto', fits: () => true, enlarge: byUpscaler(upscaler, () => 'auto') },
    ...builtins,
    { name: 'sharp', kind: 'peer', fits: () => true, enlarge: bySharp, open: openSharp },
    esrganSlim(upscaler, slimFolder),
  ];
}

/**
 * The weights of UpscalerJS's `esrgan-slim`, which upres reads as they are and runs by its own engine: TensorFlow.js in
 * JavaScript would take hours for the same pixels.
 */
function esrganSlim(upscaler: Upscaler, folder: string): Method {
  const fileOf = (scale: number): string => join(folder, 'models', `x${scale}`, 'model.json');
  return {
    name: 'esrgan-slim',
    kind: 'peer',
    fits: (scale) => [2, 3, 4].includes(scale),
    enlarge: byUpscaler(upscaler, fileOf),
    open: async (scale, cacheFolder) =>
      runnerOf(await ThreadSafeNetwork.loadFromFile(fileOf(scale), { cacheFolder }), [scale]),
  };
}

function runnerOf(network: ThreadSafeNetwork, passes: readonly number[]): Runner {
  return {
    passes,
    run: (image) => network.upscaleImage(image),
    [Symbol.asyncDispose]: () => network.dispose(),
  };
}

function byUpscaler(upscaler: Upscaler, modelOf: (scale: number) => string): Method['enlarge'] {
  return async (file, scale) => {
    const model = modelOf(scale);
    const { data, model: taken, modelReason } = await upscaler.upscale(file, { upscale: scale, model, format: 'png' });
    return { png: data, ...(model === 'auto' && { model: taken, reason: modelReason ?? '' }) };
  };
}

/** `sharp(...).resize()` as everybody writes it, its default kernel named. */
async function bySharp(file: Uint8Array, scale: number): Promise<Enlarged> {
  const { width, height } = await sharp(file).metadata();
  const png = await sharp(file)
    .resize(width * scale, height * scale, { kernel: 'lanczos3' })
    .png()
    .toBuffer();
  return { png };
}

function openSharp(scale: number): Promise<Runner> {
  const run = ({ width, height, data }: RgbImage): Promise<unknown> =>
    sharp(data, { raw: { width, height, channels: 3 } })
      .resize(width * scale, height * scale, { kernel: 'lanczos3' })
      .raw()
      .toBuffer();
  return Promise.resolve({ passes: [scale], run, [Symbol.asyncDispose]: () => Promise.resolve() });
}
