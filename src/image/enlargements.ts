import { isAborted, throwIfAborted } from '../abort.js';
import { modelId } from '../model/catalogue/colours.js';
import { worst, type Approximate } from '../network/approximate.js';
import type { Device, DeviceChoice } from '../network/device.js';
import type { Frame, Progress } from '../pixels.js';
import type { AdmissionQueue } from './admission-queue.js';
import { hiddenColour } from './alpha/hidden-colour.js';
import type { ModelChoice } from './auto/auto-model.js';
import { decode } from './codec/decode.js';
import { framesAtOnce, inWindow } from './codec/in-window.js';
import { inColour, withoutColour } from './dering/colourless.js';
import { enlargeFrames, type EnlargedFrame, type NetworkChains } from './enlarge.js';
import { Enlargement, type Making, type Pixels } from './enlargement.js';
import type { Source } from './image-source.js';
import { Failover } from './on-device.js';
import { modelOf, type UpscaleOptions } from './options.js';
import { PictureTimer } from './picture-timer.js';
import type { Plan } from './plan.js';
import { reduceFrame } from './reduce.js';

/** Pixels of an enlargement, and what its results tell about them. */
export interface Made extends Pixels {
  readonly told: Approximate;
  readonly choice: ModelChoice | undefined;
  readonly device: Device;
  readonly timer: PictureTimer;
}

type EnlargementOptions = UpscaleOptions & { readonly device: DeviceChoice };

/** The enlargements of an `Upscaler` that are under way. What one of them needs and another has, both share. */
export class Enlargements {
  private readonly failover = new Failover();
  /** By what was asked for. */
  private readonly underWay = new WeakMap<Source, Map<string, Enlargement<Made>>>();

  constructor(private readonly admissions: AdmissionQueue) {}

  /**
   * The one that gives these pixels, which may have begun for another output or caller.
   * @param letNextIn called once memory is admitted for it
   */
  of(source: Source, plan: Plan, options: EnlargementOptions, letNextIn: () => void): Enlargement<Made> {
    const { width, height } = plan.target;
    const { alpha, device, maxOutputPixels } = options;
    const key = [
      width,
      height,
      plan.frames,
      colourOf(plan),
      modelId(modelOf(options)),
      alpha,
      device,
      maxOutputPixels,
    ].join(' ');
    const ofSource = this.underWay.get(source) ?? new Map<string, Enlargement<Made>>();
    this.underWay.set(source, ofSource);
    const begun = ofSource.get(key);
    if (begun) return begun;
    const enlargement = new Enlargement<Made>(
      (making) =>
        this.failover.runPicture(device, source.file, (on) =>
          this.enlarge(on, source, plan, options, making, letNextIn),
        ),
      () => {
        if (ofSource.get(key) === enlargement) ofSource.delete(key);
      },
    );
    ofSource.set(key, enlargement);
    return enlargement;
  }

  private async enlarge(
    device: Device,
    source: Source,
    plan: Plan,
    options: UpscaleOptions,
    { signal, onProgress }: Making,
    letNextIn: () => void,
  ): Promise<Made> {
    const timer = new PictureTimer({ client: options.client, priority: options.priority, signal });
    const { header, target, profile } = plan;
    const colour = colourOf(plan);
    const decoding = `${colour} ${plan.frames}`;
    const decodeAll = (): Promise<readonly Frame[]> =>
      shared(source, decoding, signal, async () => {
        const onWarning = (warning: string): void => void source.warnings.add(warning);
        const settings = { frames: plan.frames, colour, file: undefined, timer, onWarning };
        return withoutColour(await decode(await source.bytes(), header, settings));
      });
    const request = { source, plan, options, device, signal, timer, decode: decodeAll };
    const { chains, choice, decoded, bytes, release } = await this.admissions.admit(request);
    letNextIn();
    try {
      const plain = decoded ?? (await decodeAll());
      throwIfAborted(signal);
      const enlargeAll = (all: NetworkChains, tell: typeof onProgress): Promise<EnlargedFrame[]> =>
        enlargeFrames(plain, all, { ...options, signal, onProgress: tell }, timer);
      const network = chains && `${decoding} ${chains.colour.key} ${chains.alpha.key}`;
      const enlarged: readonly (Frame & Partial<EnlargedFrame>)[] =
        network === undefined
          ? plain
          : await shared(source, network, signal, (tell) => enlargeAll(chains!, tell), onProgress);
      throwIfAborted(signal);
      const frames = await inWindow(enlarged, framesAtOnce, async (frame) => {
        const result = await reduceFrame(frame, target, timer);
        if (result.colour !== frame.colour) await frame.settle?.(result);
        return profile && !header.grey ? inColour(result) : result;
      });
      throwIfAborted(signal);
      const { delay, loop, subsampled, palette } = header;
      const settings = {
        ...(frames.length > 1 ? { delay, loop } : { delay: undefined, loop: undefined }),
        subsampled,
        palette,
        hidden: await hiddenColour(plain),
        profile,
      };
      const overhead = (await source.bytes()).length;
      return { frames, settings, bytes, overhead, release, choice, device, timer, told: worst(enlarged) };
    } catch (error) {
      release();
      throw error;
    }
  }
}

/** In which colours a picture is computed; formats that can't carry its profile get others than those that can. */
const colourOf = ({ profile }: Plan): 'keep' | 'srgb' => (profile ? 'keep' : 'srgb');

/** Pixels of the source that another enlargement has, or makes. It may give up, and then they are made here. */
async function shared(
  source: Source,
  what: string,
  signal: AbortSignal,
  make: (tell: (progress: Progress) => void) => Promise<readonly Frame[]>,
  onProgress?: (progress: Progress) => void,
): Promise<readonly Frame[]> {
  for (;;) {
    let own: Promise<readonly Frame[]> | undefined;
    const making = source.share(what, (tell) => (own = make(tell)), onProgress);
    try {
      return await making;
    } catch (error) {
      if (own !== undefined || !isAborted(error)) throw error;
      throwIfAborted(signal);
    }
  }
}
