import { bleed } from './bleed.js';
import { dering, type Settling } from './dering.js';
import type { Meter } from './meter.js';
import type { Enlarger } from './networks.js';
import type { UpscaleOptions, UpscaleProgress } from './options.js';
import type { Frame, Plane } from './planes.js';
import { reducePlane } from './reduce.js';

/** How many pixels further than the network looks colours are spread: reduction afterwards looks a little around, too. */
const spareLayers = 3;

export interface Enlargers {
  readonly colour: Enlarger;
  readonly alpha: Enlarger;
}

/** Runs all planes of all frames through their networks, all at once. */
export async function enlargeFrames(
  frames: readonly Frame[],
  enlargers: Enlargers,
  options: Pick<UpscaleOptions, 'priority' | 'client' | 'onProgress'> & { signal: AbortSignal },
  meter: Meter,
): Promise<Frame[]> {
  const progress = new ProgressSum(options.onProgress);
  const { signal, priority, client } = options;
  const call = {
    signal,
    ...(priority === undefined ? {} : { priority }),
    ...(client === undefined ? {} : { lane: client }),
  };
  /**
   * @param settling none for a picture that is to stay plain interpolation
   * @param cover alpha, for colours under one: these are spread under what is invisible first
   */
  const run = async (enlarger: Enlarger, plane: Plane, settling?: Settling, cover?: Plane): Promise<Plane> => {
    const part = progress.part(plane.width * plane.height * enlarger.work);
    const seen = cover ? await bleed(plane, cover, enlarger.reach + spareLayers) : plane;
    const enlarged = await enlarger.run(seen, { ...call, ...part });
    if (settling) await dering(enlarged, seen, settling, cover);
    return enlarged;
  };
  const enlarged = await meter.inference(() =>
    allOrFirstError(
      frames.map(({ colour, alpha }) => {
        // No damage of a codec reaches alpha: whatever computes it is held to it.
        const settling = enlargers.alpha.settling === undefined ? 'bounded' : 'faithful';
        return both(
          run(enlargers.colour, colour, enlargers.colour.settling, alpha),
          alpha && run(enlargers.alpha, alpha, settling),
        );
      }),
    ),
  );
  return Promise.all(
    enlarged.map(async ({ colour, alpha }) => {
      if (!alpha) return { colour, alpha };
      // Bicubic has most of the scales that a network can have, but not every one.
      return { colour, alpha: await reducePlane(alpha, colour, meter) };
    }),
  );
}

async function both(colour: Promise<Plane>, alpha: Promise<Plane> | undefined): Promise<Frame> {
  await Promise.allSettled([colour, alpha]);
  return { colour: await colour, alpha: await alpha };
}

/** Fails only when all have ended, so that nothing still holds memory that counts as given back. */
async function allOrFirstError<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Adds up the progress of calls that run side by side. */
class ProgressSum {
  private donePixels = 0;
  private totalPixels = 0;

  constructor(private readonly report: ((progress: UpscaleProgress) => void) | undefined) {}

  /** The callback for one of the calls; all are announced before the first one runs. */
  part(pixels: number): { onProgress?: (progress: UpscaleProgress) => void } {
    if (!this.report) return {};
    const { report } = this;
    this.totalPixels += pixels;
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
