import { availableParallelism } from 'node:os';
import { Admission } from '../network/admission.js';
import type { Device } from '../network/device.js';
import { abortedError, throwIfAborted } from './abort.js';
import { autoChoices, autoModel, type ModelChoice } from './auto-model.js';
import { decode, type ColourMode } from './decode.js';
import type { Enlargers } from './enlarge.js';
import type { Meter } from './meter.js';
import { scaleOf, type Networks } from './networks.js';
import { OpenedImage } from './opened-image.js';
import { modelOf, type UpscaleOptions } from './options.js';
import { checkIntermediate, estimateBytes, planPicture, type Plan } from './plan.js';
import type { Frame } from './planes.js';
import { fileOf, readInput, type ImageInput } from './source.js';

/** Pictures in flight at once, however small they are: with more than this no thread is busier, and all hold memory. */
const mostInFlight = 8 * availableParallelism();

/** A picture that may be worked on. */
export interface Admitted {
  readonly bytes: Uint8Array;
  readonly plan: Plan;
  /** Undefined where nothing is to be enlarged. */
  readonly enlargers: Enlargers | undefined;
  /** What `auto` chose. */
  readonly choice: ModelChoice | undefined;
  /** Where `auto` had to look at the picture. */
  readonly decoded: readonly Frame[] | undefined;
  /** Gives the picture's memory back. */
  readonly leave: () => void;
}

/** How a picture is decoded by its plan. */
export function decodingOf(
  { frames, profile }: Plan,
  file: string | undefined,
  meter: Meter,
): { frames: number; colour: ColourMode; file: string | undefined; meter: Meter } {
  return { frames, colour: profile ? 'keep' : 'srgb', file, meter };
}

/** A picture at the door. */
export interface Visit {
  readonly input: ImageInput | OpenedImage;
  readonly options: UpscaleOptions;
  readonly device: Device;
  readonly signal: AbortSignal;
  readonly meter: Meter;
}

/** Reads pictures, plans them, and lets them in as far as there is memory, by turns of their clients. */
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
   * Lets a picture in when there is room for it.
   * @throws INPUT_*, UNSUPPORTED_FORMAT, BAD_ARGUMENT, OUTPUT_TOO_LARGE, MODEL_*, DEVICE_UNAVAILABLE, ABORTED
   */
  enter(visit: Visit): Promise<Admitted> {
    const { input, signal } = visit;
    const entering = typeof input === 'string' ? this.afterOthers(visit) : this.admit(visit);
    return unlessAborted(entering, signal);
  }

  /** Reads a client's files one after the other, so that of a thousand that wait only one is in memory. */
  private afterOthers(visit: Visit): Promise<Admitted> {
    const client = this.laneOf(visit);
    const previous = this.lastEntered.get(client) ?? Promise.resolve();
    const entering = previous.then(() => this.admit(visit));
    const entered = entering.catch(() => undefined);
    this.lastEntered.set(client, entered);
    return entering;
  }

  private async admit(visit: Visit): Promise<Admitted> {
    const { input, options, device, signal } = visit;
    throwIfAborted(signal);
    const file = fileOf(input);
    const image = input instanceof OpenedImage ? input : new OpenedImage(await readInput(input), file);
    const { bytes } = image;
    const plan = planPicture(await image.header(), options, file);
    const { factor } = plan.target;
    if (factor > 1 && modelOf(options) === autoModel) return this.admitChoosing(visit, bytes, plan);
    const enlargers = factor > 1 ? await this.enlargersFor(factor, options, device) : undefined;
    const scale = enlargers?.colour.scale ?? 1;
    checkIntermediate(plan, scale, options, file);
    const leave = await this.room(visit, bytes.length + estimateBytes(plan, scale));
    return { bytes, plan, enlargers, choice: undefined, decoded: undefined, leave };
  }

  /** Decodes the picture to choose its network, once there is room for whichever it will be. */
  private async admitChoosing(visit: Visit, bytes: Uint8Array, plan: Plan): Promise<Admitted> {
    const { options, device, meter } = visit;
    const { target, header } = plan;
    const file = fileOf(visit.input);
    const scale = Math.max(...autoChoices.map((label) => scaleOf(label, target.factor)));
    checkIntermediate(plan, scale, options, file);
    const leave = await this.room(visit, bytes.length + estimateBytes(plan, scale));
    try {
      const decoded = await decode(bytes, header, decodingOf(plan, file, meter));
      const { chooseForPicture } = await import('./choose-for-picture.js');
      const choice = await chooseForPicture(bytes, header, decoded[0]!, target.factor);
      const enlargers = await this.enlargersFor(target.factor, { ...options, ...choice }, device);
      return { bytes, plan, enlargers, choice, decoded, leave };
    } catch (error) {
      leave();
      throw error;
    }
  }

  private room(visit: Visit, bytes: number): Promise<() => void> {
    const { options, signal } = visit;
    const share = Math.max(this.leastShare, bytes);
    return this.admission.enter(share, options.priority ?? 0, signal, this.laneOf(visit)).catch(() => {
      throw abortedError(signal);
    });
  }

  private laneOf({ options }: Visit): object {
    return options.client ?? this;
  }

  private async enlargersFor(factor: number, options: UpscaleOptions, device: Device): Promise<Enlargers> {
    const colour = await this.networks.enlarger(modelOf(options), factor, device);
    const bicubic = options.alpha === 'bicubic';
    return { colour, alpha: bicubic ? await this.networks.bicubic(colour.scale, device) : colour };
  }
}

/** Does not wait for those in front when the signal fires; should this one be let in later, it leaves at once. */
async function unlessAborted(entering: Promise<Admitted>, signal: AbortSignal): Promise<Admitted> {
  let abort = (): void => undefined;
  const aborted = new Promise<'aborted'>((resolve) => {
    abort = () => {
      resolve('aborted');
    };
    signal.addEventListener('abort', abort);
  });
  const first = await Promise.race([entering, aborted]);
  signal.removeEventListener('abort', abort);
  if (first !== 'aborted') return first;
  void entering.then(
    ({ leave }) => {
      leave();
    },
    () => undefined,
  );
  throw abortedError(signal);
}
