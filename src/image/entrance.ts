import { availableParallelism } from 'node:os';
import { Admission } from '../network/pool/admission.js';
import type { Device } from '../network/device.js';
import { throwIfAborted, unlessAborted } from '../abort.js';
import { autoChoices, autoModel, type ModelChoice } from './auto/auto-model.js';
import type { Enlargers } from './enlarge.js';
import type { Source } from './image-source.js';
import type { Meter } from './meter.js';
import { scaleOf, type Networks } from './networks.js';
import { modelOf, type UpscaleOptions } from './options.js';
import { checkIntermediate, estimateBytes, type Plan } from './plan.js';
import type { Frame } from '../pixels.js';

/** Pictures in flight at once, however small they are: with more than this no thread is busier, and all hold memory. */
const mostInFlight = 8 * availableParallelism();

/** A picture that may be worked on. */
export interface Admitted {
  /** Undefined where nothing is to be enlarged. */
  readonly enlargers: Enlargers | undefined;
  /** What `auto` chose. */
  readonly choice: ModelChoice | undefined;
  /** Where `auto` had to look at the picture. */
  readonly decoded: readonly Frame[] | undefined;
  /** The memory that it was let in with. */
  readonly bytes: number;
  /** Gives the picture's memory back, or all but so many bytes. */
  readonly leave: (keep?: number) => void;
}

/** A picture at the door. */
export interface Visit {
  readonly source: Source;
  readonly plan: Plan;
  readonly options: UpscaleOptions;
  readonly device: Device;
  readonly signal: AbortSignal;
  readonly meter: Meter;
  /** Its frames, decoded once however often it is asked. */
  readonly decode: () => Promise<readonly Frame[]>;
}

/** Opens pictures, and lets them in as far as there is memory, by turns of their clients. */
export class Entrance {
  private readonly admission: Admission;
  /** Bytes that a picture counts for at least. */
  private readonly leastShare: number;
  /** By client: ends when the last file that came has been let in. */
  private readonly lastEntered = new WeakMap<object, Promise<unknown>>();

  /** @param memoryBudget bytes of pixels that all pictures hold together */
  constructor(
    memoryBudget: number,
    private readonly networks: Networks,
  ) {
    this.admission = new Admission(memoryBudget);
    this.leastShare = memoryBudget / mostInFlight;
  }

  /**
   * Waits until a client's file may be opened: one after the other, so that of a thousand that wait only one is in memory.
   * @param signal ends the waiting
   * @returns to be called when it has been let in, or is not wanted any more; calling it twice does no harm
   */
  async turn(source: Source, client: object = this, signal: AbortSignal): Promise<() => void> {
    if (source.isOpen) return () => undefined;
    const previous = this.lastEntered.get(client);
    let end = (): void => undefined;
    const entered = new Promise<void>((resolve) => (end = resolve));
    this.lastEntered.set(client, Promise.all([previous, entered]));
    if (previous) {
      await unlessAborted(previous, signal).catch((error: unknown) => {
        end();
        throw error;
      });
    }
    return end;
  }

  /**
   * Lets a picture in when there is room for it. When the signal fires nobody waits for those in front any more; should it be let
   * in later, it leaves at once.
   * @throws BAD_ARGUMENT, OUTPUT_TOO_LARGE, MODEL_*, DEVICE_UNAVAILABLE, ABORTED; for `auto` INPUT_CORRUPT
   */
  async enter(visit: Visit): Promise<Admitted> {
    const entering = this.admit(visit);
    try {
      return await unlessAborted(entering, visit.signal);
    } catch (error) {
      void entering.then(
        ({ leave }) => {
          leave();
        },
        () => undefined,
      );
      throw error;
    }
  }

  private async admit(visit: Visit): Promise<Admitted> {
    const { source, plan, options, device, signal } = visit;
    throwIfAborted(signal);
    const { factor } = plan.target;
    const bytes = await source.bytes();
    if (factor > 1 && modelOf(options) === autoModel) return this.admitChoosing(visit, bytes);
    const enlargers = factor > 1 ? await this.enlargersFor(factor, options, device) : undefined;
    const scale = enlargers?.colour.scale ?? 1;
    checkIntermediate(plan, scale, options, undefined);
    const share = this.shareOf(bytes.length + estimateBytes(plan, scale));
    const leave = await this.room(visit, share);
    return { enlargers, choice: undefined, decoded: undefined, bytes: share, leave };
  }

  /** Decodes the picture to choose its network, once there is room for whichever it will be. */
  private async admitChoosing(visit: Visit, bytes: Uint8Array): Promise<Admitted> {
    const { plan, options, device } = visit;
    const { factor } = plan.target;
    const scale = Math.max(...autoChoices.map((label) => scaleOf(label, factor)));
    checkIntermediate(plan, scale, options, undefined);
    const share = this.shareOf(bytes.length + estimateBytes(plan, scale));
    const leave = await this.room(visit, share);
    try {
      const decoded = await visit.decode();
      const { chooseForPicture } = await import('./auto/choose-for-picture.js');
      const choice = await chooseForPicture(bytes, plan.header, decoded[0]!, factor);
      const enlargers = await this.enlargersFor(factor, { ...options, ...choice }, device);
      return { enlargers, choice, decoded, bytes: share, leave };
    } catch (error) {
      leave();
      throw error;
    }
  }

  private shareOf(bytes: number): number {
    return Math.max(this.leastShare, bytes);
  }

  private async room({ options, signal }: Visit, share: number): Promise<(keep?: number) => void> {
    const lane = options.client ?? this;
    const leave = await this.admission.enter(share, options.priority ?? 0, signal, lane);
    return (keep = 0) => {
      leave(keep > 0 ? Math.max(keep, this.leastShare) : 0);
    };
  }

  private async enlargersFor(factor: number, options: UpscaleOptions, device: Device): Promise<Enlargers> {
    const colour = await this.networks.enlarger(modelOf(options), factor, device);
    const bicubic = options.alpha === 'bicubic';
    return { colour, alpha: bicubic ? await this.networks.bicubic(colour.scale, device) : colour };
  }
}
