import { CachedUpscaler } from '../asset/cached-upscaler.js';
import { OwnOutputs } from '../asset/own-outputs.js';
import { concernsAll } from '../asset/on-error.js';
import { codeOf, exitCodes, failureOf, UpresError } from '../errors.js';
import { Source } from '../image/image-source.js';
import { unlimited } from '../image/limits.js';
import { probe } from '../image/codec/probe.js';
import { Upscaler } from '../image/upscale.js';
import { defaultThreads } from '../network/pool/thread-count.js';
import { defaultCacheFolder } from '../network/weights/cache-folder.js';
import { openCache } from '../asset/cache/open-cache.js';
import type { ResultCache } from '../asset/cache/result-cache.js';
import { checkDeviceWorks } from './check-device.js';
import { checkFarmModel, checkModel } from './check-model.js';
import { collect } from './collect.js';
import type { FarmBatch } from './farm-batch.js';
import { type Interrupts, mostToStopMs, watchInterrupts } from './interrupt.js';
import { type JobContext, runJob } from './job.js';
import { Ledger } from './ledger.js';
import { BatchPixels } from './batch-pixels.js';
import type { RunOptions } from './options.js';
import { withOverrides } from './overrides.js';
import type { Made, Outcome } from './outcome.js';
import { type Collision, describeCollision, type Job, plan } from './plan.js';
import { eachAtMost } from './pool.js';
import { barProgress, canDraw, lineProgress, type Progress, quietProgress } from './progress.js';
import { foresee, foreseenLine, foreseenText } from './dry-run.js';
import { errorLine, errorText, outputLine } from './report.js';
import { print } from './streams.js';
import { asUsage } from './usage-error.js';
import { summary } from './summary.js';

/** While some images are in the network, others are decoded and encoded: threads are idle otherwise. */
function imagesInFlight(threads: number): number {
  return threads + 2;
}

/**
 * The main action: upscales what the arguments stand for.
 * @returns the exit code
 * @throws UsageError before any work
 */
export async function run(args: readonly string[], given: RunOptions): Promise<number> {
  const options = await checked(given);
  const collection = await collect(args, options);
  const { jobs, collisions } = await plan(collection.inputs, options);

  let tell = say;
  using interrupts = watchInterrupts((signal) => {
    tell(`Stopping (${signal}); once more kills at once.`);
  }, mostToStopMs);
  const batch = new Batch(jobs, options, interrupts, await chooseProgress(jobs, options));
  tell = batch.progress.say;
  for (const error of collection.errors) batch.fail(error.file ?? '', error);
  for (const collision of collisions) batch.refuse(collision);
  if (options.dryRun) await batch.foreseeAll();
  else await batch.processAll();
  if (!options.quiet) for (const line of summary({ ...batch.totals(), skipped: collection.skipped })) say(line);
  return batch.exitCode;
}

/** What the machine that computes must have is tried before any work, where that is this one. */
async function checked(given: RunOptions): Promise<RunOptions> {
  if (given.farm) {
    await checkFarmModel(given);
    // Said, since workers may have another of their own.
    return { ...given, device: given.device ?? 'cpu' };
  }
  const model = await checkModel(given);
  await checkDeviceWorks(given.device);
  return model === undefined ? given : { ...given, model };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

interface Display {
  readonly progress: Progress;
  readonly pixels: BatchPixels;
}

async function chooseProgress(jobs: readonly Job[], { quiet, dryRun }: RunOptions): Promise<Display> {
  const pixels = new BatchPixels();
  if (quiet) return { pixels, progress: quietProgress(process.stderr) };
  if (dryRun || jobs.length === 0 || !canDraw(process.stderr, process.env)) {
    return { pixels, progress: lineProgress(process.stderr, jobs.length) };
  }
  // Headers only; an image whose header can't be read counts for nothing here and fails in its turn.
  await eachAtMost(byInput(jobs), 8, async ([job]) => {
    const { input } = job!;
    const info = await probe(input.bytes ?? input.path, unlimited).catch(() => undefined);
    pixels.add(input.path, info ? info.width * info.height * info.frames : 0);
  });
  return { pixels, progress: await barProgress(process.stderr, jobs.length, pixels) };
}

/** Jobs of one input are done together, since they have its network's pixels in common. */
function byInput(jobs: readonly Job[]): Job[][] {
  const groups = new Map<string, Job[]>();
  for (const job of jobs) {
    const group = groups.get(job.input.path);
    if (group) group.push(job);
    else groups.set(job.input.path, [job]);
  }
  return [...groups.values()];
}

/** The images of one run, and what became of them. */
class Batch {
  readonly progress: Progress;
  private readonly pixels: BatchPixels;
  private readonly start = performance.now();
  private readonly made: Made[] = [];
  private failed = 0;
  /** Of a dry run: undefined otherwise. */
  private foreseen: number | undefined;
  /** An error that every image would meet. */
  private common: UpresError | undefined;

  constructor(
    private readonly jobs: readonly Job[],
    private readonly options: RunOptions,
    private readonly interrupts: Interrupts,
    { progress, pixels }: Display,
  ) {
    this.pixels = pixels;
    this.progress = progress;
  }

  get exitCode(): number {
    const { exitCode } = this.interrupts;
    if (exitCode !== undefined) return exitCode;
    if (this.common) return failureOf(this.common.code).endsRun ?? exitCodes.someFailed;
    return this.failed > 0 ? exitCodes.someFailed : exitCodes.ok;
  }

  totals() {
    return {
      made: this.made,
      failed: this.failed,
      foreseen: this.foreseen,
      // Zero unless a signal or a common error ended the run before its time.
      stopped: this.jobs.length - this.finished,
      seconds: (performance.now() - this.start) / 1000,
    };
  }

  async processAll(): Promise<void> {
    try {
      if (this.jobs.length > 0) await this.compute();
    } finally {
      this.progress.end();
    }
  }

  fail(input: string, error: UpresError): void {
    this.failed++;
    if (this.options.json) print(JSON.stringify(errorLine({ input, error })));
    this.progress.say(`error: ${errorText(input, error)}`);
  }

  /** Said once, and counted for everything that is not done for it. */
  refuse(collision: Collision): void {
    const message = describeCollision(collision);
    const error = new UpresError('OUTPUT_COLLISION', message, { file: collision.output });
    this.failed += collision.jobs.length;
    if (this.options.json) {
      for (const { input } of collision.jobs) print(JSON.stringify(errorLine({ input: input.path, error })));
    }
    this.progress.say(`error: ${message} [OUTPUT_COLLISION]`);
  }

  /** Says what would come of each image, and makes none. */
  async foreseeAll(): Promise<void> {
    const { json, quiet } = this.options;
    this.foreseen = 0;
    const write = this.writing();
    for (const planned of this.jobs) {
      if (this.interrupts.signal.aborted) return;
      this.finished++;
      try {
        const { bytes, path } = planned.input;
        const [job] = await withOverrides([planned], new Source(bytes ?? path), write.outputs, this.options.target);
        const foreseen = await foresee(job!, this.options, write);
        this.foreseen++;
        if (json) print(JSON.stringify(foreseenLine(foreseen)));
        if (quiet) continue;
        this.progress.say(foreseenText(foreseen));
        for (const note of foreseen.notes) this.progress.say(`note: ${note}`);
      } catch (error) {
        if (!(error instanceof UpresError)) throw error;
        this.fail(planned.input.path, error);
      }
    }
  }

  private writing() {
    const { overwrite } = this.options;
    return { ledger: this.ledger(), outputs: OwnOutputs.of(process.cwd()), overwrite };
  }

  private async compute(): Promise<void> {
    const { threads, farm: location, quiet } = this.options;
    const { signal } = this.interrupts;
    // What may be wrong with it is said before anything is open.
    const cache = await this.openCache();
    let farm: FarmBatch | undefined;
    if (location) {
      const { FarmBatch } = await import('./farm-batch.js');
      farm = await FarmBatch.open(location, signal, (message) => {
        if (!quiet) this.progress.say(`note: ${message}`);
      });
    }
    const upscaler = new Upscaler(threads === undefined ? {} : { threads });
    const cached = new CachedUpscaler(() => upscaler, cache);
    const context = {
      upscaler,
      options: this.options,
      write: this.writing(),
      signal,
      onProgress: (job: Job, fraction: number) => {
        this.pixels.advance(job.input.path, fraction);
        this.progress.update();
      },
    };
    this.pixels.start();
    try {
      const atOnce = farm?.atOnce ?? imagesInFlight(threads ?? defaultThreads());
      await eachAtMost(byInput(this.jobs), atOnce, async (jobs) => {
        if (signal.aborted || this.common) return;
        const { bytes, path } = jobs[0]!.input;
        const source = new Source(bytes ?? path);
        const make = (some: readonly Job[]) => async (by: JobContext['cached']) => {
          const one = async (job: Job) => {
            this.take(job, await runJob(job, source, { ...context, cached: by }));
          };
          await Promise.all(some.map(one));
        };
        const all = await withOverrides(jobs, source, context.write.outputs, this.options.target);
        const toEnlarge = all.filter(({ override }) => !override);
        if (!farm) await make(all)(cached);
        else {
          await make(all.filter(({ override }) => override))(cached);
          if (toEnlarge.length > 0) await farm.upscale(toEnlarge, source, { ...context, cache }, make(toEnlarge));
        }
      });
      if (!signal.aborted) await cache?.settle?.();
    } finally {
      if (farm && signal.aborted && !quiet) {
        this.progress.say('note: what was sent is computed on the farm; the same command goes on with it');
      }
      await farm?.close();
      await upscaler.dispose({ cancel: signal.aborted });
    }
  }

  private finished = 0;

  private take(job: Job, outcome: Outcome): void {
    if (outcome.kind === 'stopped') return;
    if (outcome.kind === 'failed' && concernsAll(outcome.error)) {
      // Said once, not for every image that was on its way.
      if (this.common) return;
      this.common = outcome.error;
    }
    this.finished++;
    this.pixels.advance(job.input.path, 1);
    if (outcome.kind === 'failed') {
      this.progress.failed();
      this.fail(outcome.input, outcome.error);
      return;
    }
    this.made.push(outcome);
    if (this.options.json) print(JSON.stringify(outputLine(outcome)));
    this.progress.made(outcome);
    if (outcome.fallback) this.sayFallback(outcome);
    else if (!this.options.quiet) for (const note of outcome.notes ?? []) this.progress.say(`note: ${note}`);
  }

  private sayFallback({ job, output, fallback }: Made): void {
    if (!fallback || this.options.quiet) return;
    const what =
      fallback.kind === 'original' ? `the original was copied to ${output}` : `${output} was resized without a network`;
    this.progress.say(`warning: ${what}: ${errorText(job.input.path, fallback.error)}`);
  }

  private async openCache(): Promise<ResultCache | undefined> {
    const { cache, quiet } = this.options;
    try {
      return await openCache(cache, process.cwd(), (message) => {
        if (!quiet) this.progress.say(`note: ${message}`);
      });
    } catch (error) {
      return asUsage(error);
    }
  }

  private ledger(): Ledger {
    const folder = defaultCacheFolder();
    return new Ledger(folder, (cause) => {
      if (this.options.quiet) return;
      this.progress.say(
        `note: which files upres wrote can't be remembered in ${folder} (${codeOf(cause) ?? String(cause)}): writing them again will need --overwrite`,
      );
    });
  }
}
