import { join } from 'node:path';
import sharp from 'sharp';
import { chooseForPicture } from '#src/image/auto/choose-for-picture.js';
import { autoChoices, type ModelChoice } from '#src/image/auto/auto-model.js';
import { decode } from '#src/image/codec/decode.js';
import { readHeader } from '#src/image/codec/read-header.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import { PICTURE_VERSION } from '#src/image/picture-version.js';
import type { Upscaler } from '#src/image/upscale.js';
import { builtinLabels, builtinNetwork, exactChain } from '#src/model/catalogue/registry.js';
import { REWRITE_VERSION } from '#src/model/catalogue/rewrite-version.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { encoderVersion } from '#src/version.js';
import type { RgbImage } from './quality-data.js';
import { peerPackages } from './quality-packages.js';

/** One way to enlarge pictures. */
export interface Method {
  readonly name: string;
  readonly kind: 'auto' | 'network' | 'interpolation' | 'peer';
  /** Whether it is measured at a scale. */
  readonly fits: (scale: number) => boolean;
  /** Whether it has the scale itself, not by a chain: at these it runs against the clock. */
  readonly ownScale: (scale: number) => boolean;
  /** What its results depend on besides the picture: files of networks, versions of programs. */
  readonly identity: string;
  /** A file in, a PNG out, as a user would do it: decoding, alpha and encoding included. */
  readonly enlarge: (file: Uint8Array, scale: number) => Promise<Uint8Array>;
  /** Which other method's result it is, byte for byte: `auto` enlarges by what it takes. */
  readonly choose?: (file: Uint8Array, scale: number) => Promise<ModelChoice>;
  /** Loads what is run against the clock; `auto` has no speed of its own. */
  readonly open?: (scale: number, cacheFolder: string) => Promise<Runner>;
}

/** Pixels in, pixels out: neither decoding nor encoding. */
export interface Runner extends AsyncDisposable {
  readonly passes: readonly number[];
  readonly run: (image: RgbImage) => Promise<unknown>;
}

/**
 * What `auto` might take has every scale, by chains where it has none of its own; but these are taken for drawings only, which are
 * measured at ×2.
 */
const forDrawings: readonly string[] = ['anime', 'anime-noise0'];
export const choices: readonly string[] = autoChoices.filter((label) => !forDrawings.includes(label));

/**
 * `auto`, every built-in with a scale of its own, sharp's `lanczos3`, and UpscalerJS's `esrgan-slim`.
 * @param slimFolder where the package @upscalerjs/esrgan-slim is
 */
export function methodsOf(upscaler: Upscaler, slimFolder: string): Method[] {
  const builtins = builtinLabels().map(({ label, kind, scales }): Method => ({
    name: label,
    kind,
    fits: (scale) => choices.includes(label) || scales.includes(scale),
    ownScale: (scale) => scales.includes(scale),
    identity: [
      ...ourVersions,
      label,
      ...(kind === 'network' ? scales.map((scale) => builtinNetwork(label, scale).card.sha256) : []),
    ].join(' '),
    enlarge: byUpscaler(upscaler, () => label),
    open: async (scale, cacheFolder) =>
      runnerOf(await ThreadSafeNetwork.fromLabel(label, { scale, cacheFolder }), exactChain(label, scale)),
  }));
  return [
    {
      name: 'auto',
      kind: 'auto',
      fits: () => true,
      ownScale: () => false,
      identity: '',
      enlarge: byUpscaler(upscaler, () => 'auto'),
      choose,
    },
    ...builtins,
    {
      name: 'sharp',
      kind: 'peer',
      fits: () => true,
      ownScale: () => true,
      identity: `sharp ${encoderVersion}`,
      enlarge: bySharp,
      open: openSharp,
    },
    esrganSlim(upscaler, slimFolder),
  ];
}

/** What is done to pixels before and after a network, to networks, and in encoders. */
const ourVersions = [PICTURE_VERSION, REWRITE_VERSION, encoderVersion];

async function choose(file: Uint8Array, scale: number): Promise<ModelChoice> {
  const header = await readHeader(file);
  const [frame] = await decode(file, header, { frames: 1, colour: 'srgb', file: undefined, timer: new PictureTimer() });
  return chooseForPicture(file, header, frame!, scale);
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
    ownScale: (scale) => [2, 3, 4].includes(scale),
    identity: [...ourVersions, 'esrgan-slim', peerPackages['@upscalerjs/esrgan-slim']].join(' '),
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
    const { data } = await upscaler.upscale(file, { upscale: scale, model: modelOf(scale), format: 'png' });
    return data;
  };
}

/** `sharp(...).resize()` as everybody writes it, its default kernel named. */
async function bySharp(file: Uint8Array, scale: number): Promise<Uint8Array> {
  const { width, height } = await sharp(file).metadata();
  return sharp(file)
    .resize(width * scale, height * scale, { kernel: 'lanczos3' })
    .png()
    .toBuffer();
}

function openSharp(scale: number): Promise<Runner> {
  const run = ({ width, height, data }: RgbImage): Promise<unknown> =>
    sharp(data, { raw: { width, height, channels: 3 } })
      .resize(width * scale, height * scale, { kernel: 'lanczos3' })
      .raw()
      .toBuffer();
  return Promise.resolve({ passes: [scale], run, [Symbol.asyncDispose]: () => Promise.resolve() });
}
