import { bleed } from './bleed.js';
import type { Meter } from './meter.js';
import type { Enlarger } from './networks.js';
import type { UpscaleOptions, UpscaleProgress } from './options.js';
import type { Frame, Plane } from './planes.js';
import { reducePlane } from './reduce.js';
import { settleAlpha } from './settle-alpha.js';

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
  /** @param ready the plane as the network is to see it, of the same size */
  const run = async (enlarger: Enlarger, plane: Plane, ready: Plane | Promise<Plane> = plane): Promise<Plane> => {
    const part = progress.part(plane.width * plane.height * enlarger.work);
    return enlarger.run(await ready, { ...call, ...part });
  };
  const enlarged = await meter.inference(() =>
    allOrFirstError(
      frames.map(({ colour, alpha }) => {
        const spread = alpha && bleed(colour, alpha, enlargers.colour.reach + spareLayers);
        return both(run(enlargers.colour, colour, spread), alpha && run(enlargers.alpha, alpha));
      }),
    ),
  );
  return Promise.all(
    enlarged.map(async ({ colour, alpha }, index) => {
      const source = frames[index]?.alpha;
      if (!alpha || !source) return { colour, alpha };
      await settleAlpha(alpha, source);
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
