import { bleed } from './alpha/bleed.js';
import { framesAtOnce, inWindow } from './codec/in-window.js';
import { dering, type Settled, type Settling } from './dering/dering.js';
import { drawnColours } from './dering/drawn-colours.js';
import { settleCover } from './dering/settle-cover.js';
import type { PictureTimer } from './picture-timer.js';
import type { NetworkChain } from './network-chain.js';
import type { UpscaleOptions } from './options.js';
import type { Frame, PixelImage, Progress } from '../pixels.js';
import { approximateOnly, worst, type Approximate } from '../network/approximate.js';
import { inThisThread } from '../row-work.js';
import { liesOnSharedMemory, onSharedMemory } from '../shared-pixels.js';
import { reducePlane } from './reduce.js';

/** How many pixels beyond the receptive field colours are spread: reduction afterwards has a small one of its own. */
const spareLayers = 3;

export interface NetworkChains {
  readonly colour: NetworkChain;
  readonly alpha: NetworkChain;
}

/** A frame that may be reduced, which rings again. */
export interface EnlargedFrame extends Frame, Approximate {
  /** Settles what it was reduced to, in place; where its sides are no multiple of the source's, nothing is done. */
  readonly settle: (reduced: Frame) => Promise<void>;
}

/** Runs all planes of all frames through their networks, some frames at once. */
export async function enlargeFrames(
  frames: readonly Frame[],
  chains: NetworkChains,
  options: Pick<UpscaleOptions, 'priority' | 'client' | 'onProgress'> & { signal: AbortSignal },
  timer: PictureTimer,
): Promise<EnlargedFrame[]> {
  const progress = new ProgressSum(options.onProgress);
  const { signal, priority, client } = options;
  const call = {
    signal,
    ...(priority === undefined ? {} : { priority }),
    ...(client === undefined ? {} : { lane: client }),
  };
  const { colour: forColour, alpha: forAlpha } = chains;
  for (const { colour, alpha } of frames) {
    progress.announce(workOf(forColour, colour) + (alpha ? workOf(forAlpha, alpha) : 0));
  }
  /**
   * @param settling none for a picture that is to stay plain interpolation
   * @param cover alpha, for colours under one: these are spread under what is invisible first
   */
  const enlargePlane = async (
    chain: NetworkChain,
    plane: PixelImage,
    settling?: Settling,
    cover?: PixelImage,
  ): Promise<Enlarged> => {
    // Where all threads see it.
    const seen = await onSharedMemory(cover ? await bleed(plane, cover, chain.receptiveField + spareLayers) : plane);
    const doRows = chain.doRows(call);
    const enlarging = chain.enlarge(seen, { ...call, ...progress.part(workOf(chain, plane)) });
    // What the source alone tells is found out meanwhile.
    const drawn = settling && drawnColours(seen, doRows);
    await Promise.allSettled([enlarging, drawn]);
    const enlarged = await enlarging;
    const settle = async (of: PixelImage): Promise<Settled | undefined> =>
      settling && dering(of, seen, settling, cover, isShared(of) ? doRows : inThisThread, drawn);
    return { plane: enlarged, settled: await settle(enlarged), settle, told: approximateOnly(enlarged) };
  };
  // No damage of a codec reaches alpha: whatever computes it is held to it.
  const forCover = forAlpha.settling === undefined ? 'bounded' : 'faithful';
  const enlarged = await timer.inference(() =>
    inWindow(frames, framesAtOnce, async (decoded) => {
      const { colour, alpha } = decoded;
      // Of a frame without alpha nothing more is asked.
      const source = alpha ? { colour: await onSharedMemory(colour), alpha: await onSharedMemory(alpha) } : decoded;
      const planes = both(
        enlargePlane(forColour, source.colour, forColour.settling, source.alpha),
        source.alpha && enlargePlane(forAlpha, source.alpha, forCover),
      );
      return { source, ...(await planes) };
    }),
  );
  return inWindow(enlarged, framesAtOnce, async ({ source, colour, alpha }) => {
    const approximated = worst([colour.told, ...(alpha ? [alpha.told] : [])]);
    // Bicubic has most of the scales that a network can have, but not every one.
    const frame = { colour: colour.plane, alpha: alpha && (await reducePlane(alpha.plane, colour.plane, timer)) };
    const doRows =
      isShared(frame.colour) && frame.alpha && isShared(frame.alpha) ? forColour.doRows(call) : inThisThread;
    await settleCover(frame, source, colour.settled, alpha?.settled, doRows);
    const settle = async (reduced: Frame): Promise<void> => {
      if (!isMultiple(reduced.colour, source.colour)) return;
      const settled = await colour.settle(reduced.colour);
      if (reduced.alpha) await settleCover(reduced, source, settled, await alpha?.settle(reduced.alpha));
    };
    return { ...frame, settle, ...approximated };
  });
}

interface Enlarged {
  readonly plane: PixelImage;
  readonly told: Approximate;
  readonly settled: Settled | undefined;
  /** The same for another plane that it was made into. */
  readonly settle: (plane: PixelImage) => Promise<Settled | undefined>;
}

const isShared = ({ data }: PixelImage): boolean => liesOnSharedMemory(data);

function isMultiple(large: PixelImage, small: PixelImage): boolean {
  return large.width % small.width === 0 && large.height * small.width === large.width * small.height;
}

/** Pixels that networks compute for a plane. */
function workOf({ work }: NetworkChain, { width, height }: PixelImage): number {
  return width * height * work;
}

async function both<T>(
  colour: Promise<T>,
  alpha: Promise<T> | undefined,
): Promise<{ colour: T; alpha: T | undefined }> {
  await Promise.allSettled([colour, alpha]);
  return { colour: await colour, alpha: await alpha };
}

/** Adds up the progress of calls that run side by side. */
class ProgressSum {
  private donePixels = 0;
  private totalPixels = 0;

  constructor(private readonly report: ((progress: Progress) => void) | undefined) {}

  /** All work is announced before any of it is begun. */
  announce(pixels: number): void {
    this.totalPixels += pixels;
  }

  /** The callback for one of the calls. */
  part(pixels: number): { onProgress?: (progress: Progress) => void } {
    if (!this.report) return {};
    const { report } = this;
    let done = 0;
    return {
      onProgress: (step) => {
        const now = Math.round((pixels * step.donePixels) / step.totalPixels);
        this.donePixels += now - done;
        done = now;
        report({ donePixels: this.donePixels, totalPixels: this.totalPixels });
      },
    };
  }
}
