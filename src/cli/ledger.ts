import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { moveFile, writeNewFile } from '../quick-files.js';
import { canonicalPaths } from './canonical.js';

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Which files upres wrote, so that it may write them again without being told to, and never overwrites anything else.
 *
 * One small file for each output, named by the SHA-256 of its path and holding the SHA-256 of its bytes, in the format of
 * `sha256sum`. A file that was changed since, by whomever, no longer matches. Losing the record is safe: existing files then
 * count as someone else's.
 */
export class Ledger {
  private readonly folder: string;
  private available = true;
  private readonly canonicalPath = canonicalPaths();

  /**
   * @param cacheFolder the user's cache folder of upres
   * @param onUnavailable called once when the record can't be kept
   */
  constructor(
    cacheFolder: string,
    private readonly onUnavailable: (cause: unknown) => void = () => undefined,
  ) {
    this.folder = path.join(cacheFolder, 'written');
  }

  /** SHA-256, in hexadecimal, of the bytes last written to the file; undefined when upres did not write it. */
  async hashOf(file: string): Promise<string | undefined> {
    try {
      const text = await readFile(this.entry(await this.canonicalPath(file)), 'utf8');
      return /^[0-9a-f]{64}(?= {2})/.exec(text)?.[0];
    } catch {
      return undefined;
    }
  }

  /** Remembers what was written. Never fails: without a record, only a later run without `--overwrite` is refused. */
  async record(file: string, hash: string): Promise<void> {
    if (!this.available) return;
    const canonical = await this.canonicalPath(file);
    const entry = this.entry(canonical);
    const temp = `${entry}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      await writeNewFile(temp, `${hash}  ${canonical}\n`, { file: 0o600, folder: 0o700 });
      await moveFile(temp, entry);
    } catch (cause) {
      await rm(temp, { force: true }).catch(() => undefined);
      this.giveUp(cause);
    }
  }

  private giveUp(cause: unknown): void {
    if (!this.available) return;
    this.available = false;
    this.onUnavailable(cause);
  }

  private entry(canonical: string): string {
    const name = sha256(canonical);
    return path.join(this.folder, name.slice(0, 2), name);
  }
}
