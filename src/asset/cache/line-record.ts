import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { addToFile, readAdded } from '../../quick-files.js';

/**
 * What is known by names of one length, kept in a text with a line for each: the name, and what is known.
 *
 * Lines are only ever added at its end, those of one moment by one write, so that any number of processes may do so at once. A
 * record that can't be written, or was lost, is one that knows nothing.
 */
export class LineRecord {
  private static readonly byFile = new Map<string, LineRecord>();

  private known = new Map<string, string>();
  /** Bytes of the file that were read. */
  private size = 0;
  /** Whether its last line has no end: whoever wrote it was killed, or the disk was full. */
  private isTorn = false;
  private first: Promise<void> | undefined;
  private reading: Promise<void> | undefined;
  private waiting: string[] = [];
  private writing: Promise<void> | undefined;
  private written: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string,
    private readonly length: number,
    private readonly most: number,
  ) {}

  /**
   * The record in a file; one for each process.
   * @param length of a name, in letters of ASCII
   * @param most how many names are remembered at least, the newest; the file may have twice as many lines
   */
  static of(file: string, { length, most }: { readonly length: number; readonly most: number }): LineRecord {
    const record = LineRecord.byFile.get(file) ?? new LineRecord(file, length, most);
    LineRecord.byFile.set(file, record);
    return record;
  }

  /** What is known by a name, in this process or when this first read the file; undefined where nothing is. */
  async get(name: string): Promise<string | undefined> {
    if (!this.known.has(name)) await this.ready();
    return this.known.get(name);
  }

  /** Reads the file, once. */
  ready(): Promise<void> {
    return (this.first ??= this.read());
  }

  /** What `get` gives, at once; undefined, too, before `ready` is over. */
  getAtOnce(name: string): string | undefined {
    return this.known.get(name);
  }

  /** Reads what other processes have added. */
  read(): Promise<void> {
    return (this.reading ??= this.readOn().finally(() => {
      this.reading = undefined;
    }));
  }

  /** Remembers something of one line; when this is over it is in the file. */
  async add(name: string, what = ''): Promise<void> {
    if ((await this.get(name)) === what) return;
    this.known.set(name, what);
    this.waiting.push(`${name}${what}\n`);
    return (this.writing ??= this.written.then(() => this.write()));
  }

  private async readOn(): Promise<void> {
    try {
      const { from, data } = await readAdded(this.file, this.size);
      if (data.length === 0) return;
      const text = data.toString();
      const end = text.lastIndexOf('\n') + 1;
      this.isTorn = end < text.length;
      this.size = from + Buffer.byteLength(text.slice(0, end));
      for (const line of text.slice(0, end).split('\n')) {
        if (line.length >= this.length) this.known.set(line.slice(0, this.length), line.slice(this.length));
      }
    } catch {
      // Nothing was ever added, or it can't be known.
    }
  }

  private async write(): Promise<void> {
    const lines = this.waiting;
    this.waiting = [];
    this.writing = undefined;
    this.written = this.append(lines);
    return this.written;
  }

  private async append(lines: readonly string[]): Promise<void> {
    try {
      if (this.known.size > 2 * this.most) await this.shorten();
      await addToFile(this.file, (this.isTorn ? '\n' : '') + lines.join(''));
      this.isTorn = false;
    } catch {
      // A part of them may be there.
      this.isTorn = true;
      // The cache, which is written to the same place, says what is wrong with it.
    }
  }

  private async shorten(): Promise<void> {
    const { default: writeFileAtomic } = await import('write-file-atomic');
    // Others may have added more since.
    await this.read();
    this.known = new Map([...this.known].slice(-this.most));
    await mkdir(dirname(this.file), { recursive: true });
    await writeFileAtomic(this.file, [...this.known].map(([name, what]) => `${name}${what}\n`).join(''));
  }
}
