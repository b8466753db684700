import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';

/**
 * Measured figures by what they depend on, one JSON a line in a file that grows: a run that was interrupted goes on, and after a
 * change of one network only that one is measured again.
 */
export class ScoreCache {
  readonly #known = new Map<string, unknown>();

  private constructor(private readonly file: string | undefined) {}

  /** @param file without one, nothing is stored */
  static async open(file: string | undefined): Promise<ScoreCache> {
    const scores = new ScoreCache(file);
    const text = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '');
    for (const line of text.split('\n').filter(Boolean)) {
      const [key, value] = JSON.parse(line, orInfinity) as [string, unknown];
      scores.#known.set(key, value);
    }
    return scores;
  }

  /** @param parts all that the figures depend on */
  async get<T>(parts: readonly (string | Uint8Array)[], measure: () => Promise<T>): Promise<T> {
    const hash = createHash('sha256');
    // Lengths, so that no two lists are the same text.
    for (const part of parts) hash.update(`${part.length} `).update(part);
    const key = hash.digest('hex').slice(0, 32);
    if (this.#known.has(key)) return this.#known.get(key) as T;
    const value = await measure();
    this.#known.set(key, value);
    if (this.file !== undefined) await appendFile(this.file, `${JSON.stringify([key, value])}\n`);
    return value;
  }
}

/** JSON writes Infinity, the PSNR of equal pictures, as null. */
const orInfinity = (_: string, value: unknown): unknown => value ?? Infinity;
