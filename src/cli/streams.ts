import { hasCode } from '../errors.js';
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
