import { coloursOf, fileOf } from '../../model/catalogue/colours.js';
import { modelFromFile } from '../../model/catalogue/model.js';
import { UpresError } from '../../errors.js';
import { workingDevice } from '../../network/processor.js';
import { resolveDevice } from '../../network/resolve-device.js';
import { blockOtherLoaders } from '../http/block-loaders.js';
import { workOf } from '../jobs/jobs.js';
import { moreThanThreads } from '../jobs/at-once.js';
import { JobRunner } from '../jobs/job-runner.js';
import { ImageService } from '../service/image-service.js';
import { ServerMetrics } from '../service/metrics.js';
import { resolveSettings } from '../service/settings.js';
import { openFarm, type FarmOptions } from './farm.js';
import { UpresWorker, type WorkerOptions } from './upres-worker.js';

/**
 * Makes a worker, which takes images from then on.
 * @throws BAD_ARGUMENT for options that can't be used; QUEUE_UNAVAILABLE, STORAGE_UNAVAILABLE; MODEL_* and DEVICE_UNAVAILABLE
 */
export function createWorker(options: WorkerOptions): Promise<UpresWorker> {
  return openWorker(options);
}

/** A worker with times of its own for what is lost and found; those of all workers of a farm must be the same. */
export async function openWorker(
  { warn = () => undefined, onImage, ...options }: WorkerOptions,
  times: Pick<FarmOptions, 'lockMs' | 'mendMs' | 'shortestRest'> = {},
): Promise<UpresWorker> {
  const settings = resolveSettings({ ...options, device: options.device ?? (await workingDevice()) });
  const { queue, storage, threads } = settings;
  if (queue === undefined || storage === undefined) {
    throw new UpresError('BAD_ARGUMENT', 'a worker needs the options "queue" and "storage"');
  }
  await Promise.all(Object.values(settings.models).map((model) => modelFromFile(fileOf(model), coloursOf(model))));
  await resolveDevice(settings.device);
  if (settings.blockOtherFormats) await blockOtherLoaders();
  const farm = await openFarm({ queue, storage, atOnce: threads + moreThanThreads, warn, ...times });
  const metrics = new ServerMetrics();
  const images = await ImageService.open(settings, metrics, warn);
  const log = {
    warn,
    fault: (error: unknown) => {
      warn(`an image failed: ${String(error)}`);
    },
  };
  const runner = new JobRunner({
    ...farm,
    warn,
    work: {
      ...workOf(images, metrics, log),
      done: (job, place) => {
        const image = job.images[place]!;
        if (image.state !== 'done' && image.state !== 'failed') return;
        const { state, pixels, attempts } = image;
        const more = image.state === 'done' ? { device: image.results[0]!.device } : { code: image.problem.code };
        onImage?.({ job: job.id, place, state, pixels, attempts, ...more });
      },
    },
  });
  try {
    await runner.start();
  } catch (error) {
    await farm.close();
    await images.dispose({ cancel: true });
    throw error;
  }
  return new UpresWorker(farm, images, settings.limits.drainSeconds);
}
