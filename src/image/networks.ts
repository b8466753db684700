import { hasCode, UpresError } from '../errors.js';
import { modelStamp } from '../model/catalogue/model-files.js';
import { looksLikePath } from '../model/catalogue/model-path.js';
import { builtinLabels, chainFor, exactChain, isInterpolation, isRestorer } from '../model/catalogue/registry.js';
import type { Device } from '../network/device.js';
import type { CallOptions, NetworkOptions, ThreadSafeNetwork } from '../network/thread-safe-network.js';
import type { Settling } from './dering/dering.js';
import type { PixelImage } from '../pixels.js';

/** A network, or one run several times over, that enlarges by a whole number. */
export interface Enlarger {
  /** As the user named it. */
  readonly model: string;
  /** Tells enlargers apart that may make other pixels. */
  readonly key: string;
  readonly scale: number;
  /** How many pixels around it an input pixel is looked at from, at most. */
  readonly reach: number;
  /** Network input pixels of all passes for each input pixel. */
  readonly work: number;
  /** What its colours are held to; undefined for interpolations, which are what they are. */
  readonly settling: Settling | undefined;
  run(plane: PixelImage, options: CallOptions): Promise<PixelImage>;
}

/** Where the graph does not tell how far it looks, so far is far enough to look right. */
const unknownReach = 64;

/** The networks in use, each loaded once for each device, however many callers ask for it at the same time. */
export class Networks {
  private readonly loaded = new Map<string, Promise<ThreadSafeNetwork>>();

  /** @param options for every network */
  constructor(private readonly options: Omit<NetworkOptions, 'device'>) {}

  /**
   * What enlarges by at least `factor`, at the least cost: for a label its cheapest chain of scales as one network, for a
   * file the network as often as needed.
   *
   * @param factor more than 1
   * @param device what computes; it never changes by itself
   * @throws DEVICE_UNAVAILABLE, MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED
   */
  async enlarger(model: string, factor: number, device: Device): Promise<Enlarger> {
    if (isPath(model)) return this.repeated(model, factor, device);
    return this.labelled(model, scaleOf(model, factor), device);
  }

  /** Centred bicubic, by exactly `scale` if it can. */
  bicubic(scale: number, device: Device): Promise<Enlarger> {
    return this.labelled('bicubic', product(chainOrMore('bicubic', scale)), device);
  }

  private async labelled(model: string, scale: number, device: Device): Promise<Enlarger> {
    const key = `${device} ${scale}×${model}`;
    const network = await this.load(key, async () => {
      const { ThreadSafeNetwork } = await import('../network/thread-safe-network.js');
      return ThreadSafeNetwork.fromLabel(model, { ...this.options, scale, device });
    });
    const settling = isInterpolation(model) ? undefined : isRestorer(model) ? 'restored' : 'faithful';
    return new Passes(model, key, network, 1, settling);
  }

  /** Lets every loaded network go. With `cancel`, calls in flight are given up. */
  async dispose(options: { cancel?: boolean } = {}): Promise<void> {
    const networks = await Promise.allSettled(this.loaded.values());
    this.loaded.clear();
    await Promise.all(
      networks.flatMap((result) => (result.status === 'fulfilled' ? [result.value.dispose(options)] : [])),
    );
  }

  private async repeated(path: string, factor: number, device: Device): Promise<Enlarger> {
    // A build that watches outlives the file that it began with.
    const key = `${device} ${await modelStamp(path)}`;
    const network = await this.load(key, async () => {
      const { ThreadSafeNetwork } = await import('../network/thread-safe-network.js');
      return ThreadSafeNetwork.loadFromFile(path, { ...this.options, device });
    });
    if (network.factor < 2) {
      const message = `the network does not enlarge (its scale is ${network.factor}): name one that does, or leave the size as it is`;
      throw new UpresError('MODEL_UNSUPPORTED', message, { file: path });
    }
    let times = 1;
    while (network.factor ** times < factor) times++;
    // Whether a network of the user's own restores is not known.
    return new Passes(path, `${key} ${times} times`, network, times, 'restored');
  }

  private load(key: string, create: () => Promise<ThreadSafeNetwork>): Promise<ThreadSafeNetwork> {
    const known = this.loaded.get(key);
    if (known) return known;
    const loading = create();
    this.loaded.set(key, loading);
    // A failure is not remembered: the file may be there the next time.
    loading.catch(() => this.loaded.delete(key));
    return loading;
  }
}

/** A label is never taken for a path, whatever lies in the folder. */
function isPath(model: string): boolean {
  return looksLikePath(model) && !builtinLabels().some(({ label }) => label === model);
}

/** What a label enlarges by where at least `factor` is asked for. Throws as `chainFor`. */
export const scaleOf = (label: string, factor: number): number => product(chainFor(label, factor));

const product = (chain: readonly number[]): number => chain.reduce((all, step) => all * step, 1);

function chainOrMore(label: string, scale: number): number[] {
  try {
    return exactChain(label, scale);
  } catch (error) {
    if (hasCode(error, 'BAD_ARGUMENT')) return chainFor(label, scale);
    throw error;
  }
}

class Passes implements Enlarger {
  readonly scale: number;
  readonly reach: number;
  readonly work: number;

  constructor(
    readonly model: string,
    readonly key: string,
    private readonly network: ThreadSafeNetwork,
    private readonly times: number,
    readonly settling: Settling | undefined,
  ) {
    const { factor } = network;
    this.scale = factor ** times;
    const passes = Array.from({ length: times }, (_, pass) => pass);
    this.work = passes.reduce((sum, pass) => sum + factor ** (2 * pass), 0);
    const { halo } = network.weights.geometry;
    const once = halo ? Math.max(halo.left, halo.right, halo.top, halo.bottom) : unknownReach;
    // A later pass sees smaller pixels.
    this.reach = Math.ceil(passes.reduce((sum, pass) => sum + once / factor ** pass, 0));
  }

  async run(plane: PixelImage, options: CallOptions): Promise<PixelImage> {
    const { onProgress, ...rest } = options;
    let current = plane;
    const totalPixels = current.width * current.height * this.work;
    let before = 0;
    for (let pass = 0; pass < this.times; pass++) {
      const pixels = current.width * current.height;
      const start = before;
      current = await this.network.upscaleImage(current, {
        ...rest,
        ...(onProgress && {
          onProgress: (step) => {
            onProgress({ donePixels: start + (pixels * step.donePixels) / step.totalPixels, totalPixels });
          },
        }),
      });
      before += pixels;
    }
    return current;
  }
}
