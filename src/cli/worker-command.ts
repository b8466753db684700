import type { Command } from 'commander';
import { exitCodes } from '../errors.js';
import { threadCount } from '../network/pool/thread-count.js';
import type { WorkerOptions } from '../server/farm/upres-worker.js';
import { flagValue } from './flag-value.js';
import { watchInterrupts } from './interrupt.js';
import { parseLimits, parsePairs } from './serve-command.js';
import { print } from './streams.js';
import { asUsage } from './usage-error.js';

/** Flags as commander hands them over. */
interface RawWorkerOptions {
  queue: string;
  storage: string;
  cache?: string | boolean;
  models?: string[];
  device?: string;
  threads?: string;
  limit?: string[];
  log?: boolean;
}

/** `upres worker`: computes what servers of a farm accept, until a signal comes. */
export function addWorkerCommand(program: Command, act: (action: () => Promise<number>) => Promise<void>): void {
  program
    .command('worker')
    .description('compute what servers of a farm accept')
    .requiredOption('--queue <url>', 'Redis or Valkey, as in redis://host:6379/0')
    .requiredOption('--storage <place>', 's3://bucket/prefix, or a folder that all machines share')
    .option('--cache <folder>', 'where results are cached (default: see "upres cache stats")')
    .option('--no-cache', 'keep no results besides those of jobs')
    .option('--models <label=path...>', 'networks of your own that clients can ask for by label')
    .option('--device <name>', 'what computes: auto, cpu, wasm, webgpu, cuda, dml or coreml (default: cpu)')
    .option('-t, --threads <n>', 'cores to use (default: all)')
    .option('--limit <name=n...>', 'bounds as of "upres serve", such as drainSeconds=60')
    .option('--log', 'one line of JSON on standard output for each image')
    .addHelpText(
      'after',
      '\nThe first SIGTERM or Ctrl-C lets the worker finish what it computes, for drainSeconds at most; the second one kills.\nEither way nothing is lost: what it did not finish is computed by others.',
    )
    .action(async (raw: RawWorkerOptions) => {
      await act(() => work(raw));
    });
}

async function work(raw: RawWorkerOptions): Promise<number> {
  const { createWorker } = await import('../server/index.js');
  const options: WorkerOptions = {
    queue: raw.queue,
    storage: raw.storage,
    ...(raw.cache === false ? { cache: false } : typeof raw.cache === 'string' ? { cache: raw.cache } : {}),
    models: Object.fromEntries(parsePairs('--models', raw.models)),
    ...(raw.device === undefined ? {} : { device: raw.device as NonNullable<WorkerOptions['device']> }),
    ...(raw.threads === undefined ? {} : { threads: flagValue('--threads', threadCount, raw.threads) }),
    limits: parseLimits(raw.limit),
    warn: (message) => {
      process.stderr.write(`${message}\n`);
    },
    ...(raw.log && {
      onImage: (image) => {
        print(JSON.stringify({ time: new Date().toISOString(), ...image }));
      },
    }),
  };
  using interrupts = watchInterrupts((signal) => {
    process.stderr.write(`Finishing what is computed (${signal}); once more kills at once.\n`);
  });
  const worker = await createWorker(options).catch(asUsage);
  if (!raw.log) print('upres takes work');
  await new Promise<void>((resolve) => {
    if (interrupts.signal.aborted) resolve();
    interrupts.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  await worker.close();
  return exitCodes.ok;
}
