import { coloursOf, computingOf, fileOf, modelId, statedOnly, type ModelChoice } from '../model/catalogue/colours.js';
import { hasCode, UpresError } from '../errors.js';
import { modelStamp } from '../model/catalogue/model-files.js';
import { looksLikePath } from '../model/catalogue/formats/formats.js';
import { builtinLabels, chainFor, exactChain, isInterpolation, isRestorer } from '../model/catalogue/registry.js';
import { isProcessor, type Device } from '../network/device.js';
import { defaultThreads } from '../network/pool/thread-count.js';
import type { NetworkOptions } from '../network/network-options.js';
import type { ThreadSafeNetwork } from '../network/thread-safe-network.js';
import { NetworkChain } from './network-chain.js';

/** A thread that is started for fewer pixels takes longer to start than it saves. */
const pixelsPerThread = 1 << 14;

/** The networks in use, each loaded once for each device, however many callers ask for it at the same time. */
export class Networks {
  private readonly loaded = new Map<string, Promise<ThreadSafeNetwork>>();
  /** Whether there may be threads although no network was loaded. */
  private threadsStarted = false;

  /** @param options for every network */
  constructor(private readonly options: Omit<NetworkOptions, 'device'>) {}

  /** Has the threads start that a picture of so many pixels will be computed on, while it is still read. */
  async startThreads(device: Device, pixels: number): Promise<void> {
    if (!isProcessor(device)) return;
    const { ThreadPool } = await import('../network/pool/thread-pool.js');
    const { threads = defaultThreads() } = this.options;
    ThreadPool.get().startThreads(Math.min(threads, Math.ceil(pixels / pixelsPerThread)));
    this.threadsStarted = true;
  }

  /**
   * What enlarges by at least `factor`, at the least cost: for a label its cheapest chain of scales as one network, for a
   * file the network as often as needed.
   *
   * @param factor more than 1
   * @param device what computes; it never changes by itself
   * @throws DEVICE_UNAVAILABLE, MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED
   */
  async chainAtLeast(model: ModelChoice, factor: number, device: Device): Promise<NetworkChain> {
    if (typeof model !== 'string' || isPath(model)) return this.repeated(model, factor, device);
    return this.labelled(model, scaleOf(model, factor), device);
  }

  /**
   * A network of the user's own that changes pictures without enlarging them: against noise, blur, a codec's damage. Undefined for
   * all others.
   * @throws as `chainAtLeast`
   */
  async restorer(model: ModelChoice, device: Device): Promise<NetworkChain | undefined> {
    if (typeof model === 'string' && !isPath(model)) return undefined;
    const { network, key, path } = await this.ofFile(model, device);
    // What it changes is what it is for.
    return network.factor === 1 ? new NetworkChain(path, key, network, 1, undefined) : undefined;
  }

  /** Centred bicubic, by exactly `scale` if it can. */
  bicubic(scale: number, device: Device): Promise<NetworkChain> {
    return this.labelled('bicubic', product(chainOrMore('bicubic', scale)), device);
  }

  private async labelled(model: string, scale: number, device: Device): Promise<NetworkChain> {
    const key = `${device} ${scale}×${model}`;
    const network = await this.load(key, async () => {
      const { ThreadSafeNetwork } = await import('../network/thread-safe-network.js');
      return ThreadSafeNetwork.fromLabel(model, { ...this.options, scale, device });
    });
    const settling = isInterpolation(model) ? undefined : isRestorer(model) ? 'restored' : 'faithful';
    return new NetworkChain(model, key, network, 1, settling);
  }

  /** Releases every loaded network. With `cancel`, calls in flight are given up. */
  async dispose(options: { cancel?: boolean } = {}): Promise<void> {
    const networks = await Promise.allSettled(this.loaded.values());
    this.loaded.clear();
    await Promise.all(
      networks.flatMap((result) => (result.status === 'fulfilled' ? [result.value.dispose(options)] : [])),
    );
    if (!this.threadsStarted) return;
    const { ThreadPool } = await import('../network/pool/thread-pool.js');
    await ThreadPool.get().endUnused();
  }

  private async repeated(model: ModelChoice, factor: number, device: Device): Promise<NetworkChain> {
    const { network, key, path } = await this.ofFile(model, device);
    if (network.factor < 2) {
      const message = `the network does not enlarge (its scale is ${network.factor}): take it for "upscale=1", and name one that enlarges here`;
      throw new UpresError('MODEL_UNSUPPORTED', message, { file: path });
    }
    let times = 1;
    while (network.factor ** times < factor) times++;
    // Whether a network of the user's own restores is not known.
    return new NetworkChain(path, `${key} ${times} times`, network, times, 'restored');
  }

  private async ofFile(
    model: ModelChoice,
    device: Device,
  ): Promise<{ network: ThreadSafeNetwork; key: string; path: string }> {
    // A build that watches outlives the file that it began with.
    const path = fileOf(model);
    const key = `${device} ${modelId(model)} ${await modelStamp(path)}`;
    const network = await this.load(key, async () => {
      const { ThreadSafeNetwork } = await import('../network/thread-safe-network.js');
      const own = { ...statedOnly(coloursOf(model)), ...computingOf(model) };
      return ThreadSafeNetwork.loadFromFile(path, { ...this.options, ...own, device });
    });
    return { network, key, path };
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
