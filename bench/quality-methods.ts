import sharp from 'sharp';
import { builtinLabels, exactChain } from '#src/model/catalogue/registry.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import type { RgbImage } from './quality-data.js';

/** One way to enlarge pictures by one scale. */
export interface Method {
  readonly name: string;
  readonly scale: number;
  readonly kind: 'network' | 'interpolation';
  /** The scales of its passes: [2, 2] for a network of scale 2 that runs twice. */
  readonly passes: readonly number[];
  /** Loads what it needs, to be disposed of afterwards. */
  readonly open: () => Promise<Enlarge & AsyncDisposable>;
}

interface Enlarge {
  /** Pixels in, pixels out: neither decoding nor encoding. */
  readonly run: (image: RgbImage) => Promise<RgbImage>;
}

/**
 * sharp's `lanczos3`, centred bicubic, and every built-in network of that scale.
 * @param chained also those that reach the scale by passes
 */
export function methodsFor(scale: number, chained: boolean, cacheFolder: string): Method[] {
  const networks = builtinLabels().filter(({ kind }) => kind === 'network');
  const able = networks.filter(({ label, scales }) => scales.includes(scale) || (chained && reaches(label, scale)));
  return [
    lanczos(scale),
    builtin('bicubic', scale, 'interpolation', cacheFolder),
    ...able.map(({ label }) => builtin(label, scale, 'network', cacheFolder)),
  ];
}

function reaches(label: string, scale: number): boolean {
  try {
    return exactChain(label, scale).length > 0;
  } catch {
    return false;
  }
}

function builtin(label: string, scale: number, kind: Method['kind'], cacheFolder: string): Method {
  const open = async (): Promise<Enlarge & AsyncDisposable> => {
    const network = await ThreadSafeNetwork.fromLabel(label, { scale, cacheFolder });
    return {
      run: async (image) => {
        const { width, height, data } = await network.upscaleImage(image);
        return { width, height, channels: 3, data: data as Uint8Array };
      },
      [Symbol.asyncDispose]: () => network.dispose(),
    };
  };
  return { name: label, scale, kind, passes: exactChain(label, scale), open };
}

/** `sharp(...).resize()` as everybody writes it, its default kernel named. */
function lanczos(scale: number): Method {
  const run = async ({ width, height, data }: RgbImage): Promise<RgbImage> => {
    const pipeline = sharp(data, { raw: { width, height, channels: 3 } })
      .resize(width * scale, height * scale, { kernel: 'lanczos3' })
      .raw();
    return { width: width * scale, height: height * scale, channels: 3, data: await pipeline.toBuffer() };
  };
  const open = (): Promise<Enlarge & AsyncDisposable> =>
    Promise.resolve({ run, [Symbol.asyncDispose]: () => Promise.resolve() });
  return { name: 'sharp lanczos3', scale, kind: 'interpolation', passes: [scale], open };
}
