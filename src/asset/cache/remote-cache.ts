import { messageOf } from '../../errors.js';
import type { Credit, Patience } from './patience.js';
import { mostHeadBytes } from './result-blob.js';
import type { RemoteEntry, RemoteStore } from './remote-store.js';

/** An answer that there is nothing may take this long and costs nothing: a remote that is merely empty is asked on. In milliseconds. */
const usualMs = 50;
/** Bytes a second at which a result may be on its way, for as long as it was worth. */
const leastRate = 64 * 1024;
/** However long it took to make, no result is worth more milliseconds than this: nothing of it is checked until it is there. */
const mostWorthMs = 60_000;
/** Uploads at once. */
const uploadsAtOnce = 4;

export interface RemoteCacheOptions {
  /** Whether what was computed is uploaded, too. */
  readonly mayWrite: boolean;
  /** How long it is waited for; others that ask the same remote may have it in common. */
  readonly patience: Patience;
}

/** What is to be made of bytes that a remote has. */
export interface Reading<T> {
  /**
   * Milliseconds for which waiting for them is no loss, which is what they had taken to make.
   * @param begin as much of them as is there
   * @returns undefined where that is not known from them yet, or never
   */
  readonly worth: (begin: Buffer) => number | undefined;
  /** What they are; `refused` where they are no good. */
  readonly read: (bytes: Uint8Array) => Promise<T | { readonly refused: string }>;
}

/**
 * What a run does with a remote cache. It never fails a run: whatever goes wrong, one line says so, and from then on it is left alone; a run
 * waits for it for two seconds at most, and for what it really gets as long as that had taken to compute.
 */
export class RemoteCache {
  private readonly uploads: { readonly key: string; readonly read: () => Promise<Uint8Array | undefined> }[] = [];
  private readonly uploading = new Set<Promise<void>>();
  /** Names whose results were no good: they are written over. */
  private readonly refused = new Set<string>();
  private readonly patience: Patience;
  private readonly wouldWrite: boolean;
  private mayWrite: boolean;
  private round: number;
  private sent = 0;

  /** @param warn told once why it is left alone, and once of the first result that is no good */
  constructor(
    private readonly store: RemoteStore,
    private readonly warn: (message: string) => void,
    { mayWrite, patience }: RemoteCacheOptions,
  ) {
    this.wouldWrite = mayWrite;
    this.mayWrite = mayWrite;
    this.patience = patience;
    this.round = patience.round;
  }

  /** Its host or bucket, for people. */
  get name(): string {
    return this.store.name;
  }

  /** What is read from the bytes under a name; undefined where there are none, where they are no good, or where the remote is of no use. */
  async get<T extends object>(key: string, { worth, read }: Reading<T>): Promise<T | undefined> {
    let credit: Credit | undefined;
    const bytes = await this.ask(async () => {
      credit = this.patience.credit();
      const arriving = new Arriving(credit, worth);
      const found = await this.store.get(key, (piece) => {
        arriving.add(piece);
      });
      if (found) arriving.end();
      else credit.raise(usualMs);
      return found;
    });
    try {
      const made = bytes && (await read(bytes));
      if (!made || !('refused' in made)) return made;
      credit?.withdraw();
      this.refuse(key, made.refused);
      return undefined;
    } finally {
      credit?.keep();
    }
  }

  /** Whether there is something under a name. */
  async has(key: string): Promise<boolean> {
    return (await this.ask(() => this.store.has(key))) ?? false;
  }

  /** How many results were uploaded. */
  get uploaded(): number {
    return this.sent;
  }

  /** Whether it takes results, as far as is known. */
  get takesResults(): boolean {
    if (this.patience.isOver) return false;
    // One that is tried anew may take them again.
    if (this.round !== this.patience.round) this.mayWrite = this.wouldWrite;
    this.round = this.patience.round;
    return this.mayWrite;
  }

  /** Whether it answers, as far as is known. */
  get answers(): boolean {
    return !this.patience.isOver;
  }

  /** All that it has, as far as it says so before it is left alone; undefined where it has no list. */
  list(): AsyncIterable<RemoteEntry> | undefined {
    const entries = this.store.list?.();
    return entries && this.unlessItFails(entries);
  }

  /**
   * Uploads a result in the background.
   * @param read gives its bytes when it is its turn
   */
  offer(key: string, read: () => Promise<Uint8Array | undefined>): void {
    if (!this.takesResults) return;
    this.uploads.push({ key, read });
    this.upload();
  }

  /** Waits until all is uploaded, as long as the run's budget lasts; to be called when nothing else is left to do. */
  async settle(): Promise<void> {
    if (this.uploading.size === 0) return;
    // What can't be loaded is told of where it is put.
    await this.store.load?.().catch(() => undefined);
    await this.whileWaiting(() => this.whenUploaded());
  }

  /** Lets connections go. */
  close(): void {
    this.store.close();
  }

  private async *unlessItFails(entries: AsyncIterable<RemoteEntry>): AsyncGenerator<RemoteEntry> {
    try {
      yield* entries;
    } catch (error) {
      this.leave(messageOf(error));
    }
  }

  private async whenUploaded(): Promise<void> {
    while (this.uploading.size > 0) await Promise.race(this.uploading);
  }

  private upload(): void {
    while (this.uploading.size < uploadsAtOnce) {
      const next = this.uploads.shift();
      if (!next) return;
      const work = this.send(next.key, next.read).finally(() => {
        this.uploading.delete(work);
        this.upload();
      });
      this.uploading.add(work);
    }
  }

  private async send(key: string, read: () => Promise<Uint8Array | undefined>): Promise<void> {
    try {
      const bytes = this.takesResults ? await read() : undefined;
      if (!bytes || this.patience.refuses(this.say)) return;
      // What is there stays, for it is the same; what is no good does not.
      const kept = await this.unlessOver(this.store.put(key, bytes, !this.refused.has(key)));
      if (kept === 'stored') this.sent++;
      if (typeof kept !== 'object' || !this.mayWrite) return;
      // It may be read all the same.
      this.mayWrite = false;
      this.warn(`nothing is uploaded to the remote cache ${this.name}: ${kept.refused}`);
    } catch (error) {
      this.leave(messageOf(error));
    }
  }

  private async ask<T>(what: () => Promise<T>): Promise<T | undefined> {
    if (this.patience.refuses(this.say)) return undefined;
    try {
      await this.store.load?.();
      return this.patience.refuses(this.say) ? undefined : await this.whileWaiting(what);
    } catch (error) {
      this.leave(messageOf(error));
      return undefined;
    }
  }

  private async whileWaiting<T>(what: () => Promise<T>): Promise<T | undefined> {
    const end = this.patience.wait(this.say);
    try {
      return await this.unlessOver(what());
    } finally {
      end();
    }
  }

  /** What the store answers; undefined as soon as it is left alone. */
  private async unlessOver<T>(answer: Promise<T>): Promise<T | undefined> {
    let forget = (): void => undefined;
    const over = new Promise<undefined>((resolve) => {
      forget = this.patience.onEnd(() => {
        this.store.close();
        resolve(undefined);
      });
    });
    try {
      return await Promise.race([answer, over]);
    } finally {
      forget();
    }
  }

  /** Notes that what lies under a name is no good: it is computed anew, and written over. */
  private refuse(key: string, reason: string): void {
    if (this.refused.size === 0) this.warn(`a result in the remote cache ${this.name} is not used: ${reason}`);
    this.refused.add(key);
  }

  private leave(reason: string): void {
    this.patience.end(reason, this.say);
  }

  private readonly say = (reason: string): void => {
    this.warn(`the remote cache ${this.name} is left alone: ${reason}`);
  };
}

/** A result on its way: the time for it is no loss as far as it comes, and as far as it is worth it. */
class Arriving {
  private begin: Buffer | undefined = Buffer.alloc(0);
  private worthMs = 0;
  private count = 0;

  constructor(
    private readonly credit: Credit,
    private readonly worth: Reading<unknown>['worth'],
  ) {}

  add(piece: Uint8Array): void {
    this.count += piece.length;
    if (this.begin) {
      this.begin = Buffer.concat([this.begin, piece]);
      const worthMs = this.worth(this.begin);
      if (worthMs !== undefined) this.worthMs = Math.min(worthMs, mostWorthMs);
      if (worthMs !== undefined || this.begin.length > mostHeadBytes) this.begin = undefined;
    }
    this.credit.raise(Math.min((this.count / leastRate) * 1000, this.worthMs));
  }

  /** It is there. */
  end(): void {
    this.credit.raise(usualMs + this.worthMs);
  }
}
