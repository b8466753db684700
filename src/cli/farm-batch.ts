import { createHash } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { CachedUpscaler } from '../asset/cached-upscaler.js';
import type { ResultCache } from '../asset/cache/result-cache.js';
import { withFile } from '../errors.js';
import type { Source } from '../image/image-source.js';
import { builtinLabels } from '../model/catalogue/registry.js';
import { isProcessor } from '../network/device.js';
import type { FarmClient } from '../server/farm/farm-client.js';
import type { FarmLocation } from '../server/farm/farm-location.js';
import type { FarmPicture } from '../server/farm/farm-picture.js';
import { autoModel } from '../image/auto/auto-model.js';
import { type JobContext, wantedOf } from './job.js';
import type { RunOptions } from './options.js';
import type { Job } from './plan.js';
import { inputInWords } from './streams.js';
import { asUsage } from './usage-error.js';

/** So many pictures are under way, and twice as many as the workers compute at once, that none of these is idle. */
const leastAtOnce = 64;
const mostAtOnce = 2000;

/** A batch whose pictures the workers of a farm compute; what is in the local cache, they are not asked for. */
export class FarmBatch {
  private constructor(
    private readonly client: FarmClient,
    /** Pictures that are under way at once. */
    readonly atOnce: number,
  ) {}

  /**
   * @param say told what holds everything up
   * @throws UsageError; QUEUE_UNAVAILABLE, STORAGE_UNAVAILABLE where they do not answer now
   */
  static async open(location: FarmLocation, signal: AbortSignal, say: (message: string) => void): Promise<FarmBatch> {
    const { FarmClient } = await import('../server/farm/farm-client.js');
    const client = await FarmClient.open({ ...location, client: { id: ownId() }, signal, warn: say }).catch(asUsage);
    const workers = await client.workers().catch(async (error: unknown) => {
      await client.close();
      throw error;
    });
    if (workers === 0) say('no worker of the farm is there: the images wait for one');
    return new FarmBatch(client, Math.min(Math.max(leastAtOnce, 2 * workers), mostAtOnce));
  }

  /**
   * Has the farm make all files of an input.
   * @param cache the local one
   * @param make makes them by what is handed to it
   */
  async upscale(
    jobs: readonly Job[],
    source: Source,
    { cache, ...context }: Omit<JobContext, 'cached'> & { readonly cache: ResultCache | undefined },
    make: (cached: JobContext['cached']) => Promise<void>,
  ): Promise<void> {
    const { FarmPicture } = await import('../server/farm/farm-picture.js');
    const leave = await this.client.sending.enter();
    let picture: FarmPicture | undefined;
    try {
      const wanted = await Promise.all(jobs.map((job) => wantedOf(job, context)));
      const name = inputInWords(jobs[0]!.input.path);
      const made = (picture = new FarmPicture(this.client, source, wanted, name, leave));
      await make(
        hasOwnKey(context.options)
          ? new CachedUpscaler(() => made, cache)
          : {
              upscale: async (image, options, file) => {
                try {
                  return { ...(await made.upscale(image, options)), cached: false };
                } catch (error) {
                  throw withFile(error, file);
                }
              },
            },
      );
      if (context.signal.aborted) return;
      picture.leave();
      await picture.remove().catch((error: unknown) => {
        if (!context.signal.aborted) throw error;
      });
    } finally {
      leave();
      picture?.leave();
    }
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** Whether this machine knows what a result is made of: networks of workers' own, and their devices, it does not. */
function hasOwnKey({ model = autoModel, device = 'cpu' }: RunOptions): boolean {
  return isProcessor(device) && (model === autoModel || builtinLabels().some(({ label }) => label === model));
}

/** Each user of each machine is a client: whoever starts the same again finds what was sent, and all take turns. */
function ownId(): string {
  const owner = JSON.stringify([hostname(), userInfo().username]);
  return `command-${createHash('sha256').update(owner).digest('base64url').slice(0, 22)}`;
}
