import sharp from 'sharp';
import type { Upscaler } from '#src/image/upscale.js';
import { builtinLabels, exactChain } from '#src/model/registry.js';
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
}

/** Network labels that `auto` is compared with where a choice is judged: what it might have taken. */
export const choices: readonly string[] = builtinLabels()
  .map(({ label }) => label)
  .filter((label) => /^(natural|art|nearest)/.test(label));

/** `auto`, every built-in with a scale of its own, and sharp's `lanczos3`. */
export function methodsOf(upscaler: Upscaler): Method[] {
  const builtins = builtinLabels().map(({ label, kind, scales }): Method => ({
    name: label,
    kind,
    fits: (scale) => scales.includes(scale),
    enlarge: byUpscaler(upscaler, label),
  }));
  return [
    { name: 'auto', kind: 'auto', fits: () => true, enlarge: byUpscaler(upscaler, 'auto') },
    ...builtins,
    { name: 'sharp', kind: 'peer', fits: () => true, enlarge: bySharp },
  ];
}

function byUpscaler(upscaler: Upscaler, model: string): Method['enlarge'] {
  return async (file, scale) => {
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

/** Something to be run against the clock: pixels in, pixels out, neither decoding nor encoding. */
export interface Runner extends AsyncDisposable {
  readonly passes: readonly number[];
  readonly run: (image: RgbImage) => Promise<unknown>;
}

/** A method without its codecs. `auto` has no speed of its own. */
export async function openRunner(method: Method, scale: number, cacheFolder: string): Promise<Runner | undefined> {
  if (method.kind === 'auto') return undefined;
  if (method.kind === 'peer') {
    const run = ({ width, height, data }: RgbImage): Promise<unknown> =>
      sharp(data, { raw: { width, height, channels: 3 } })
        .resize(width * scale, height * scale, { kernel: 'lanczos3' })
        .raw()
        .toBuffer();
    return { passes: [scale], run, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const network = await ThreadSafeNetwork.fromLabel(method.name, { scale, cacheFolder });
  return {
    passes: exactChain(method.name, scale),
    run: (image) => network.upscaleImage(image),
    [Symbol.asyncDispose]: () => network.dispose(),
  };
}
