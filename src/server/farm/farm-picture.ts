import { createHash } from 'node:crypto';
import { makers } from '../../asset/engine-identity.js';
import { digest } from '../../digest.js';
import { failures, UpresError, type UpresErrorCode } from '../../errors.js';
import { autoModel } from '../../image/auto/auto-model.js';
import type { Source } from '../../image/image-source.js';
import type { UpscaleOptions } from '../../image/options.js';
import { planPicture, type Plan } from '../../image/plan.js';
import type { UpscaleResult } from '../../image/upscale.js';
import { approximateOnly } from '../../network/approximate.js';
import type { Device } from '../../network/device.js';
import type { Progress } from '../../pixels.js';
import { defined } from '../../schema.js';
import { newJobId, type Job, type JobImage, type JobProblem } from '../jobs/job.js';
import type { Variant } from '../service/variant.js';
import type { FarmClient } from './farm-client.js';

/** A job that is there no more when its result is wanted is sent again so often. */
const mostTimes = 3;

/** One file of a picture that can be made, as far as the header tells. */
interface Wanted {
  readonly variant: Variant;
  readonly plan: Plan;
}

/**
 * A picture that workers of a farm make into files: all of them are one job, whichever is asked for first, so that it is decoded
 * and enlarged once, and found again by the same name. Files that can't be made, by the header, keep no other from being made.
 */
export class FarmPicture {
  private readonly listeners = new Set<(progress: Progress) => void>();
  private readonly alone: FarmPicture[] = [];
  private making: Promise<Job> | undefined;
  private wanted: Promise<readonly Wanted[]> | undefined;
  private sent: Job | undefined;
  private inside: Promise<() => void> | undefined;

  /**
   * @param files all that will be asked for
   * @param name a label for people
   * @param hasLeft called when its source is needed no more
   */
  constructor(
    private readonly client: FarmClient,
    private readonly source: Source,
    private readonly files: readonly UpscaleOptions[],
    private readonly name: string,
    private readonly hasLeft: () => void,
    /** The one whose files are made alone. They have their turn to be fetched in common: who has one waits for no other. */
    private readonly whole?: FarmPicture,
  ) {}

  /** One of its files. Throws as `Upscaler.upscale` does, and what workers say. */
  async upscale(_: unknown, options: UpscaleOptions): Promise<UpscaleResult> {
    const header = await this.source.header();
    const plan = planPicture(header, options, undefined);
    const { onProgress } = options;
    if (onProgress) this.listeners.add(onProgress);
    const place = await this.placeOf(options);
    for (let times = 1; ; times++) {
      const making = (this.making ??= this.make());
      const job = await making;
      const image = job.images[0]!;
      // Whoever did that meant it: it is not sent again.
      if (image.state === 'cancelled') throw new UpresError('JOB_CANCELLED', 'its job was cancelled on the farm');
      if (image.state === 'failed') return this.orAlone(image.problem, options);
      const data = await this.fetch(job, place);
      if (data && image.state === 'done') {
        const told = image.results[place]!;
        const { width, height, format, frames, model, inferenceMs = 0, codecMs = 0, machine } = told;
        return {
          ...{ data, width, height, format, frames, model, device: told.device as Device, inferenceMs, codecMs },
          ...{ sourceWidth: header.width, sourceHeight: header.height, upscale: plan.target.width / header.width },
          ...defined({ machine, modelReason: told.modelReason, warnings: told.warnings }),
          ...approximateOnly(told),
        };
      }
      if (times === mostTimes) {
        const what = image.state === 'done' ? 'result was lost' : 'job was removed on the farm';
        throw new UpresError('STORAGE_UNAVAILABLE', `its ${what} again and again`);
      }
      if (this.making === making) this.making = this.makeAnew(making);
    }
  }

  /** Lets others fetch theirs, when all that was asked for is where it belongs, or is wanted no more. */
  leave(): void {
    void this.inside?.then((leave) => {
      leave();
    });
  }

  /** Forgets its job, when all that was asked for is where it belongs. */
  async remove(): Promise<void> {
    if (this.sent) await this.client.remove(this.sent);
    for (const picture of this.alone) await picture.remove();
  }

  /** What several files have failed of together may be the fault of one. */
  private orAlone({ code, detail }: JobProblem, options: UpscaleOptions): Promise<UpscaleResult> {
    if (this.files.length === 1) {
      const known = Object.hasOwn(failures, code) ? (code as UpresErrorCode) : 'INFERENCE_FAILED';
      throw new UpresError(known, detail);
    }
    const picture = new FarmPicture(this.client, this.source, [options], this.name, () => undefined, this);
    this.alone.push(picture);
    return picture.upscale(this.source, options);
  }

  private async fetch(job: Job, place: number): Promise<Uint8Array | undefined> {
    const whole = this.whole ?? this;
    await (whole.inside ??= this.client.fetching.enter());
    return this.client.fetch(job, place);
  }

  private async placeOf(options: UpscaleOptions): Promise<number> {
    const own = JSON.stringify(variantOf(options));
    return (await this.plans()).findIndex(({ variant }) => JSON.stringify(variant) === own);
  }

  private plans(): Promise<readonly Wanted[]> {
    return (this.wanted ??= this.source.header().then((header) => {
      const wanted = new Map<string, Wanted>();
      for (const options of this.files) {
        const variant = variantOf(options);
        try {
          wanted.set(JSON.stringify(variant), { variant, plan: planPicture(header, options, undefined) });
        } catch {
          // Whoever asks for it hears of it.
        }
      }
      return [...wanted.values()];
    }));
  }

  /** What has lost a result would be found again as it is. */
  private async makeAnew(making: Promise<Job>): Promise<Job> {
    await this.client.remove(await making);
    return this.make();
  }

  private async make(): Promise<Job> {
    const wanted = await this.plans();
    const bytes = await this.source.bytes();
    const sha256 = await digest(bytes, 'sha256', 'base64url');
    const variants = wanted.map(({ variant }) => variant);
    const { width, height, frames } = await this.source.header();
    const image: JobImage = {
      ...{ name: this.name, variants, source: { bytes: bytes.length, sha256 }, attempts: 0, state: 'queued' },
      pixels: width * height * frames,
      resultPixels: wanted.reduce((sum, { plan }) => sum + plan.target.width * plan.target.height * plan.frames, 0),
    };
    // Pictures of equal bytes have jobs of their own, since each of them is forgotten by whoever has its results.
    const content = createHash('sha256')
      .update(JSON.stringify([makers, this.name, variants, sha256]))
      .digest('base64url');
    const request = { key: content, content };
    const created = new Date().toISOString();
    const job = { id: newJobId(), created, version: 1, state: 'queued', request, images: [image] } as const;
    const ended = await this.client.make(job, [bytes], this.listeners, (sent) => {
      this.sent = sent;
      this.source.release();
      this.hasLeft();
    });
    return ended ?? this.sent!;
  }
}

/** What is asked for, as a job says it. */
function variantOf(options: UpscaleOptions): Variant {
  const { upscale, width, height, minWidth, format, quality, lossless, animation, colour, alpha, device } = options;
  const { model = autoModel, maxInputPixels, maxOutputPixels, maxFrames } = options;
  if (typeof model !== 'string') throw new UpresError('BAD_ARGUMENT', 'a farm knows networks by their labels');
  return {
    model,
    ...defined({ upscale, width, height, minWidth, format, quality, lossless, animation, colour, alpha, device }),
    ...defined({ maxInputPixels, maxOutputPixels, maxFrames }),
  };
}
