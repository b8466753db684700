import { UpresError } from '../errors.js';
import { removeTempFilesNow } from './temp-file.js';

/** What shells expect of a program that a signal ended: 128 + its number. */
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Signal = keyof typeof signals;

/** Milliseconds that work on files may take to stop: tiles take less, and encoders, which can't be stopped, may take minutes. */
export const mostToStopMs = 10_000;

/** Turns signals into an `AbortSignal` for as long as the command computes. */
export interface Interrupts extends Disposable {
  readonly signal: AbortSignal;
  /** Of the signal that came; undefined when none did. */
  readonly exitCode: number | undefined;
}

/**
 * The first signal asks the work to stop, which takes as long as a tile. The second one kills, by the system's own default:
 * ending the process from within while a network computes would abort it.
 * @param onFirst tells the user
 * @param mostMs milliseconds after which the first one kills, too; default: never, for what others wait for
 */
export function watchInterrupts(onFirst: (signal: Signal) => void, mostMs?: number): Interrupts {
  const controller = new AbortController();
  let exitCode: number | undefined;
  let late: NodeJS.Timeout | undefined;
  const kill = (signal: Signal) => {
    stopWatching();
    removeTempFilesNow();
    process.kill(process.pid, signal);
  };
  const handle = (signal: Signal) => {
    if (exitCode !== undefined) {
      kill(signal);
      return;
    }
    exitCode = signals[signal];
    onFirst(signal);
    if (mostMs !== undefined) late = setTimeout(kill, mostMs, signal).unref();
    controller.abort(new UpresError('ABORTED', `stopped by ${signal}`));
  };
  const names = Object.keys(signals) as Signal[];
  const stopWatching = () => {
    clearTimeout(late);
    for (const name of names) process.removeListener(name, handle);
  };
  for (const name of names) process.on(name, handle);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]: stopWatching,
  };
}
