import { availableParallelism } from 'node:os';
import { Admission } from '../network/pool/admission.js';
import type { Device } from '../network/device.js';
import { throwIfAborted, unlessAborted } from '../abort.js';
import { autoChoices, autoModel, type ModelChoice } from './auto/auto-model.js';
import type { NetworkChains } from './enlarge.js';
import type { Source } from './image-source.js';
import type { PictureTimer } from './picture-timer.js';
import { scaleOf, type Networks } from './networks.js';
import { modelOf, type UpscaleOptions } from './options.js';
import { checkIntermediate, pictureCost, type Plan } from './plan.js';
import type { Frame } from '../pixels.js';
import { cutFor, goesInStrips, stripCost, type Cut } from './strips/in-strips.js';

/** Pictures in flight at once, however small they are: with more than this no thread is busier, and all hold memory. */
const mostInFlight = 8 * availableParallelism();

/** A picture that may be worked on. */
export interface Permit {
  /** Undefined where nothing is to be enlarged. */
  readonly chains: NetworkChains | undefined;
  /** What `auto` chose. */
  readonly choice: ModelChoice | undefined;
  /** Where `auto` needed the picture. */
  readonly decoded: readonly Frame[] | undefined;
  /** How it is cut into strips; undefined where it is enlarged as a whole. */
  readonly cut: Cut | undefined;
  /** The memory that it was let in with. */
  readonly bytes: number;
  /** Gives the picture's memory back, or all but `keep` bytes. */
  readonly release: (keep?: number) => void;
}

/** A picture at the door. */
export interface AdmissionRequest {
  readonly source: Source;
  readonly plan: Plan;
  readonly options: UpscaleOptions;
  readonly device: Device;
  readonly signal: AbortSignal;
  readonly timer: PictureTimer;
  /** Its frames, decoded once however often it is asked. */
  readonly decode: () => Promise<readonly Frame[]>;
}

/** Opens pictures, and lets them in as far as there is memory, by turns of their clients. */
export class AdmissionQueue {
  private readonly admission: Admission;
  /** Bytes that a picture counts for at least. */
  private readonly leastShare: number;
  /** By client: ends when the last file that came has been let in. */
  private readonly lastAdmitted = new WeakMap<object, Promise<unknown>>();

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
  async waitForTurn(source: Source, client: object = this, signal: AbortSignal): Promise<() => void> {
    if (source.isOpen) return () => undefined;
    const previous = this.lastAdmitted.get(client);
    let end = (): void => undefined;
    const admitted = new Promise<void>((resolve) => (end = resolve));
    this.lastAdmitted.set(client, Promise.all([previous, admitted]));
    if (previous) {
      await unlessAborted(previous, signal).catch((error: unknown) => {
        end();
        throw error;
      });
    }
    return end;
  }

  /**
   * Lets a picture in when there is room for it. When the signal fires, those in front are not waited for any more; should it be let
   * in later, it leaves at once.
   * @throws BAD_ARGUMENT, OUTPUT_TOO_LARGE, MODEL_*, DEVICE_UNAVAILABLE, ABORTED; for `auto` INPUT_CORRUPT
   */
  async admit(request: AdmissionRequest): Promise<Permit> {
    const opening = this.openPicture(request);
    try {
      return await unlessAborted(opening, request.signal);
    } catch (error) {
      void opening.then(
        ({ release }) => {
          release();
        },
        () => undefined,
      );
      throw error;
    }
  }

  private async openPicture(request: AdmissionRequest): Promise<Permit> {
    const { source, plan, options, device, signal } = request;
    throwIfAborted(signal);
    const { factor } = plan.target;
    const { width, height } = plan.header;
    if (factor > 1) await this.networks.startThreads(device, width * height);
    const bytes = await source.bytes();
    if (factor > 1 && modelOf(options) === autoModel) return this.openAndChoose(request, bytes);
    const chains = await (factor > 1
      ? this.chainsFor(factor, options, device)
      : factor === 1
        ? this.restorersFor(options, device)
        : undefined);
    const scale = chains?.colour.scale ?? 1;
    checkIntermediate(plan, scale, options, undefined);
    const cut = chains && cutFor(plan, chains.colour);
    const share = this.shareOf(bytes.length + (cut ? stripCost : pictureCost)(plan, scale).pixelBytes);
    const release = await this.reserveMemory(request, share);
    return { chains, choice: undefined, decoded: undefined, cut, bytes: share, release };
  }

  /** Decodes the picture to choose its network, once there is room for whichever it will be. */
  private async openAndChoose(request: AdmissionRequest, bytes: Uint8Array): Promise<Permit> {
    const { plan, options, device } = request;
    const { factor } = plan.target;
    const scales = autoChoices.map((label) => scaleOf(label, factor));
    const scale = Math.max(...scales);
    checkIntermediate(plan, scale, options, undefined);
    const inStrips = scales.every((each) => goesInStrips(plan, each));
    const share = this.shareOf(bytes.length + (inStrips ? stripCost : pictureCost)(plan, scale).pixelBytes);
    const release = await this.reserveMemory(request, share);
    try {
      const decoded = await request.decode();
      const { chooseForPicture } = await import('./auto/choose-for-picture.js');
      const choice = await chooseForPicture(bytes, plan.header, decoded[0]!, factor);
      const chains = await this.chainsFor(factor, { ...options, ...choice }, device);
      return {
        chains,
        choice,
        decoded,
        cut: inStrips ? cutFor(plan, chains.colour) : undefined,
        bytes: share,
        release,
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  private shareOf(bytes: number): number {
    return Math.max(this.leastShare, bytes);
  }

  private async reserveMemory({ options, signal }: AdmissionRequest, share: number): Promise<(keep?: number) => void> {
    const lane = options.client ?? this;
    const release = await this.admission.admit(share, options.priority ?? 0, signal, lane);
    return (keep = 0) => {
      release(keep > 0 ? Math.max(keep, this.leastShare) : 0);
    };
  }

  /** A network that does not enlarge, for a picture whose size stays; no one's alpha is damaged. */
  private async restorersFor(options: UpscaleOptions, device: Device): Promise<NetworkChains | undefined> {
    const colour = await this.networks.restorer(modelOf(options), device);
    return colour && { colour, alpha: colour.none() };
  }

  private async chainsFor(factor: number, options: UpscaleOptions, device: Device): Promise<NetworkChains> {
    const colour = await this.networks.chainAtLeast(modelOf(options), factor, device);
    const bicubic = options.alpha === 'bicubic';
    return { colour, alpha: bicubic ? await this.networks.bicubic(colour.scale, device) : colour };
  }
}
