import { appendFile, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digest } from '../digest.js';
import { resultsFolder } from './asset-cache.js';

/** Digits of a hash that are kept: 258 bits. */
const digits = 43;
/** This many outputs are remembered at least, the newest; the file may have twice as many lines. */
const most = 50_000;

/**
 * Which pictures upres has made itself, by their bytes: one record for the command and all build tools, in the project's cache
 * folder, whatever their own options say. What is in it is no picture made by hand and no source, wherever it lies.
 *
 * The record is a text of one line for each output. Lines are only ever added at its end, each by one write, so that any number of
 * processes may do so at once; a record that can't be written or was lost makes upres take its own files for someone else's.
 */
export class OwnOutputs {
  private static readonly byFile = new Map<string, OwnOutputs>();

  private known: Set<string> = new Set<string>();
  /** Bytes of the file when it was last read. */
  private size = 0;
  private reading: Promise<void> | undefined;

  private constructor(private readonly file: string) {}

  /** The record of the project around a folder; one for each process. */
  static of(root: string): OwnOutputs {
    const file = join(resultsFolder(undefined, root), 'outputs.txt');
    const known = OwnOutputs.byFile.get(file) ?? new OwnOutputs(file);
    OwnOutputs.byFile.set(file, known);
    return known;
  }

  /** Whether upres has made these bytes. */
  async has(bytes: Uint8Array): Promise<boolean> {
    const name = await nameOf(bytes);
    if (this.known.has(name)) return true;
    await this.read();
    return this.known.has(name);
  }

  /**
   * Remembers an output, if it is not known yet.
   * @param hash its SHA-512 in base64 digits, where that is known
   */
  async add(bytes: Uint8Array, hash?: string): Promise<void> {
    const name = hash?.slice(0, digits) ?? (await nameOf(bytes));
    if (this.known.has(name)) return;
    await this.read();
    if (this.known.has(name)) return;
    this.known.add(name);
    try {
      if (this.known.size > 2 * most) await this.shorten();
      await mkdir(dirname(this.file), { recursive: true });
      await appendFile(this.file, `${name}\n`);
    } catch {
      // The cache, which is written to the same folder, says what is wrong with it.
    }
  }

  /** Reads what others have added. */
  private read(): Promise<void> {
    return (this.reading ??= this.readIfChanged().finally(() => {
      this.reading = undefined;
    }));
  }

  private async readIfChanged(): Promise<void> {
    try {
      const { size } = await stat(this.file);
      if (size === this.size) return;
      const names = (await readFile(this.file, 'latin1')).split('\n');
      this.size = size;
      for (const name of names) if (name.length === digits) this.known.add(name);
    } catch {
      // Nothing has been made yet, or it can't be known.
    }
  }

  private async shorten(): Promise<void> {
    const { default: writeFileAtomic } = await import('write-file-atomic');
    this.known = new Set([...this.known].slice(-most));
    await mkdir(dirname(this.file), { recursive: true });
    await writeFileAtomic(this.file, [...this.known].map((name) => `${name}\n`).join(''));
  }
}

async function nameOf(bytes: Uint8Array): Promise<string> {
  return (await digest(bytes, 'sha512', 'base64')).slice(0, digits);
}
