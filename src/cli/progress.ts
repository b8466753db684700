import { nearness } from '../network/approximate.js';
import type { Made } from './outcome.js';
import { byteSize, digits, duration, megapixels } from './words.js';
import type { BatchPixels } from './batch-pixels.js';
import { byHand } from './overrides.js';
import { inputInWords, outputInWords } from './streams.js';

/** Shows people how far the batch is. Everything goes to standard error: standard output is for `--json`. */
export interface Progress {
  /** Called often. */
  readonly update: () => void;
  readonly made: (outcome: Made) => void;
  /** An image that came to nothing; `say` tells why. */
  readonly failed: () => void;
  /** Errors and things to know: shown even when little else is. */
  readonly say: (line: string) => void;
  /** Leaves the terminal as it was. */
  readonly end: () => void;
}

/** A terminal that can redraw a line, and no one who collects a log of it. */
export function canDraw(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb' && (env.CI ?? '') === '';
}

/** Errors only. */
export function quietProgress(stream: NodeJS.WritableStream): Progress {
  return {
    update: () => undefined,
    made: () => undefined,
    failed: () => undefined,
    say: (line) => void stream.write(`${line}\n`),
    end: () => undefined,
  };
}

/** A line for each image. */
export function lineProgress(stream: NodeJS.WritableStream, total: number): Progress {
  let done = 0;
  return {
    update: () => undefined,
    made: (outcome) => void stream.write(`[${++done}/${total}] ${describe(outcome)}\n`),
    failed: () => {
      done++;
    },
    say: (line) => void stream.write(`${line}\n`),
    end: () => undefined,
  };
}

/** A bar, with a line for each image and messages above it. Loads its library only when there is a bar to draw. */
export async function barProgress(
  stream: NodeJS.WritableStream,
  total: number,
  pixels: BatchPixels,
): Promise<Progress> {
  const { MultiBar } = (await import('cli-progress')).default;
  const bars = new MultiBar({
    stream,
    format: '{bar} {percentage}% | {images} | {pixels} | {rate} | {left}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
    // Signals are the command's business: see interrupt.ts.
    gracefulExit: false,
  });
  let images = 0;
  const state = () => ({
    images: `${images}/${total} images`,
    pixels: `${digits(pixels.donePixels / 1e6)} of ${megapixels(pixels.totalPixels)}`,
    rate: `${digits(pixels.rate / 1e6)} MP/s`,
    left: timeLeft(pixels),
  });
  const scale = () => Math.max(1, pixels.totalPixels);
  const bar = bars.create(scale(), 0, state());
  const update = () => {
    bar.setTotal(scale());
    bar.update(pixels.donePixels, state());
  };
  const finished = () => {
    images++;
    update();
  };
  return {
    update,
    made: (outcome) => {
      bars.log(`${describe(outcome)}\n`);
      finished();
    },
    failed: finished,
    say: (line) => {
      bars.log(`${line}\n`);
    },
    end: () => {
      // What was logged is drawn with the bars.
      bars.update();
      bars.stop();
    },
  };
}

/** Not before a hundredth is done, when one would only guess; and the network's end isn't the encoder's. */
function timeLeft({ donePixels, totalPixels, secondsLeft }: BatchPixels): string {
  if (secondsLeft === undefined || donePixels < totalPixels / 100) return 'starting';
  return donePixels > totalPixels * 0.9999 ? 'finishing' : `${duration(secondsLeft)} left`;
}

function describe({
  job,
  output,
  width,
  height,
  bytes,
  ms,
  unchanged,
  fallback,
  model,
  modelReason,
  device = 'cpu',
  ...told
}: Made): string {
  const size = width === undefined || height === undefined ? '' : `${width}×${height}, `;
  const same = unchanged ? ', unchanged' : '';
  const by = model === undefined || modelReason === undefined ? '' : `, ${model}: ${modelReason}`;
  const where = device === 'cpu' ? '' : `, on ${device}`;
  const instead = fallback ? `, ${fallback.kind === 'original' ? 'the original' : 'resized'} instead` : '';
  return `${inputInWords(job.input.path)} → ${outputInWords(output)} (${size}${byteSize(bytes)}, ${duration(ms / 1000)}${by}${where}${nearness(told)}${fallback ? '' : byHand(job)}${same}${instead})`;
}
