import { join } from 'node:path';
import { digest } from '../digest.js';
import { resultsFolder } from './cache/cache-folder.js';
import type { LineRecord } from './cache/line-record.js';

/** Digits of a hash that are kept: 258 bits. */
const digits = 43;
const most = 50_000;

/**
 * Which pictures upres has made itself, by their bytes: one record for the command and all build tools, in the project's cache
 * folder, whatever their own options say. What is in it is no picture made by hand and no source, wherever it lies. Where it was
 * lost, upres takes its own files for someone else's.
 */
export class OwnOutputs {
  private opened: Promise<LineRecord> | undefined;
  private read: LineRecord | undefined;

  private constructor(private readonly file: string) {}

  /** The record of the project around a folder. */
  static of(root: string): OwnOutputs {
    return new OwnOutputs(join(resultsFolder(undefined, root), 'outputs.txt'));
  }

  /** Whether upres has made these bytes. */
  async has(bytes: Uint8Array): Promise<boolean> {
    const [name, record] = await Promise.all([nameOf(bytes), this.record()]);
    if ((await record.get(name)) !== undefined) return true;
    // Another tool may have made them just now.
    await record.read();
    return (await record.get(name)) !== undefined;
  }

  /**
   * Remembers an output, if it is not known yet.
   * @param hash its SHA-512 in base64 digits, where that is known
   */
  async add(bytes: Uint8Array, hash?: string): Promise<void> {
    const record = await this.record();
    await record.add(hash?.slice(0, digits) ?? (await nameOf(bytes)));
  }

  /** Reads the record, once. */
  async ready(): Promise<void> {
    this.read = await this.record();
    await this.read.ready();
  }

  /**
   * Whether an output is known, at once; false, too, before `ready` is over.
   * @param hash its SHA-512 in base64 digits
   */
  knows(hash: string): boolean {
    return this.read?.getAtOnce(hash.slice(0, digits)) !== undefined;
  }

  /** Loaded when something is made or looked for: most runs of a build tool's configuration do neither. */
  private record(): Promise<LineRecord> {
    return (this.opened ??= import('./cache/line-record.js').then(({ LineRecord }) =>
      LineRecord.of(this.file, { length: digits, most }),
    ));
  }
}

async function nameOf(bytes: Uint8Array): Promise<string> {
  return (await digest(bytes, 'sha512', 'base64')).slice(0, digits);
}
