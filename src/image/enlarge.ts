import { bleed } from './alpha/bleed.js';
import { framesAtOnce, inWindow } from './codec/in-window.js';
import { dering, type Settling } from './dering/dering.js';
import type { PictureTimer } from './picture-timer.js';
import type { NetworkChain } from './network-chain.js';
import type { UpscaleOptions } from './options.js';
import type { Frame, PixelImage, Progress } from '../pixels.js';
import { reducePlane } from './reduce.js';

/** How many pixels beyond the receptive field colours are spread: reduction afterwards has a small one of its own. */
const spareLayers = 3;

export interface NetworkChains {
  readonly colour: NetworkChain;
  readonly alpha: NetworkChain;
}

/** Runs all planes of all frames through their networks, some frames at once. */
export async function enlargeFrames(
  frames: readonly Frame[],
  chains: NetworkChains,
  options: Pick<UpscaleOptions, 'priority' | 'client' | 'onProgress'> & { signal: AbortSignal },
  timer: PictureTimer,
): Promise<Frame[]> {
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
  ): Promise<PixelImage> => {
    const seen = cover ? await bleed(plane, cover, chain.receptiveField + spareLayers) : plane;
    const enlarged = await chain.enlarge(seen, { ...call, ...progress.part(workOf(chain, plane)) });
    if (settling) await dering(enlarged, seen, settling, cover);
    return enlarged;
  };
  // No damage of a codec reaches alpha: whatever computes it is held to it.
  const forCover = forAlpha.settling === undefined ? 'bounded' : 'faithful';
  const enlarged = await timer.inference(() =>
    inWindow(frames, framesAtOnce, ({ colour, alpha }) =>
      both(
        enlargePlane(forColour, colour, forColour.settling, alpha),
        alpha && enlargePlane(forAlpha, alpha, forCover),
      ),
    ),
  );
  return inWindow(enlarged, framesAtOnce, async ({ colour, alpha }) => {
    if (!alpha) return { colour, alpha };
    // Bicubic has most of the scales that a network can have, but not every one.
    return { colour, alpha: await reducePlane(alpha, colour, timer) };
  });
}

/** Pixels that networks compute for a plane. */
function workOf({ work }: NetworkChain, { width, height }: PixelImage): number {
  return width * height * work;
}

async function both(colour: Promise<PixelImage>, alpha: Promise<PixelImage> | undefined): Promise<Frame> {
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
