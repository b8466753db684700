import { buffer } from 'node:stream/consumers';
import { hasCode, UpresError } from '../errors.js';
import { UsageError } from './usage-error.js';

/** Among arguments, and after `--out`, a single hyphen is standard input or standard output; a file of that name is `./-`. */
export const standardStream = '-';

/** An input's path as people read it. */
export const inputInWords = (path: string): string => (path === standardStream ? 'standard input' : path);

/** An output's path as people read it. */
export const outputInWords = (path: string): string => (path === standardStream ? 'standard output' : path);

/** The bytes of the picture that is piped into this process. */
export async function readStandardInput(): Promise<Uint8Array> {
  if (process.stdin.isTTY) throw new UsageError('- is standard input, which is a terminal: pipe an image into it');
  return buffer(process.stdin);
}

/** @throws UsageError before any work, rather than pour a picture over a terminal */
export function requirePipedOutput(): void {
  if (process.stdout.isTTY) {
    throw new UsageError('--out - is standard output, which is a terminal: pipe it on, or name a file');
  }
}

/**
 * Writes a picture to standard output.
 * @throws OUTPUT_UNWRITABLE when its reader has left
 */
export function writeStandardOutput(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (cause) => {
      if (!cause) resolve();
      else reject(new UpresError('OUTPUT_UNWRITABLE', `standard output takes no more: ${cause.message}`, { cause }));
    });
  });
}

/**
 * A reader that leaves early (`upres --json … | head -1`) is no reason to stop making images: what would be printed for it is
 * dropped. Without this, the first write after that kills the process.
 */
export function tolerateClosedReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: Error) => {
      if (!hasCode(error, 'EPIPE')) throw error;
    });
  }
}

/** Writes a line to standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
