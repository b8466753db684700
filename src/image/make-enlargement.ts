import { isAborted, throwIfAborted } from '../abort.js';
import { worst, type Approximate } from '../network/approximate.js';
import type { Device } from '../network/device.js';
import type { Frame, Progress } from '../pixels.js';
import type { AdmissionQueue } from './admission-queue.js';
import { hiddenColour } from './alpha/hidden-colour.js';
import type { ModelChoice } from './auto/auto-model.js';
import { decode } from './codec/decode.js';
import { framesAtOnce, inWindow } from './codec/in-window.js';
import { inColour, withoutColour } from './dering/colourless.js';
import { enlargeFrames, type EnlargedFrame, type NetworkChains } from './enlarge.js';
import type { Making, Pixels } from './enlargement.js';
import type { Source } from './image-source.js';
import type { UpscaleOptions } from './options.js';
import { defined } from '../schema.js';
import { PictureTimer } from './picture-timer.js';
import { colourOf, type Plan } from './plan.js';
import { reduceFrame } from './reduce.js';

/** Pixels of an enlargement, and what its results tell about them. */
export interface Made extends Pixels {
  readonly told: Approximate;
  readonly choice: ModelChoice | undefined;
  readonly device: Device;
  readonly timer: PictureTimer;
}

/** What an enlargement is made of. */
export interface EnlargementRequest {
  readonly source: Source;
  readonly plan: Plan;
  readonly options: UpscaleOptions;
  /** Where it is computed. */
  readonly device: Device;
  /** Called once memory is admitted for it. */
  readonly letNextIn: () => void;
}

/** Decodes a picture, computes its networks and reduces it to the size that was asked for. */
export async function makeEnlargement(
  admissions: AdmissionQueue,
  { source, plan, options, device, letNextIn }: EnlargementRequest,
  { signal, onProgress }: Making,
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
  const { chains, choice, decoded, cut, bytes, release } = await admissions.admit(request);
  letNextIn();
  try {
    const plain = decoded ?? (await decodeAll());
    throwIfAborted(signal);
    const { delay, loop, subsampled, palette } = header;
    const all = { subsampled, palette, hidden: await hiddenColour(plain), profile };
    const overhead = (await source.bytes()).length;
    const facts = { bytes, overhead, release, choice, device, timer };
    if (cut && chains) {
      const { enlargeInStrips } = await import('./strips/enlarge-strips.js');
      const lane = options.client;
      const call = { signal, onProgress, ...defined({ priority: options.priority, lane }) };
      const { file, ...told } = await enlargeInStrips(plain[0]!.colour, chains.colour, cut, call, timer);
      return { ...facts, picture: file, settings: { ...all, delay: undefined, loop: undefined }, told };
    }
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
    const animation = frames.length > 1 ? { delay, loop } : { delay: undefined, loop: undefined };
    return { ...facts, picture: frames, settings: { ...all, ...animation }, told: worst(enlarged) };
  } catch (error) {
    release();
    throw error;
  }
}

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
