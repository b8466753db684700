import { onAbort } from '../abort.js';
import { messageOf } from '../errors.js';
import type { RemoteEntry, RemoteStore } from './remote-store.js';

/** Milliseconds that a run waits for its remote cache, all in all, without getting anything for it. */
const usualBudgetMs = 2000;
/** An answer that there is nothing may take this long besides: a remote that is merely empty is asked on. */
const usualMs = 50;
/** Bytes a second at which a result that is on its way costs nothing of that: it is being got. */
const leastRate = 64 * 1024;
/** Timers count milliseconds in 31 bits. */
const longestTimer = 2 ** 31 - 1;
/** Uploads at once. */
const uploadsAtOnce = 4;

/** Bun and containers in browsers do not count how long they have nothing to do. */
const countsIdle = process.versions.bun === undefined && process.versions.webcontainer === undefined;

/** A clock that stands while this process is busy: of what came meanwhile it knows nothing yet, so that is no waiting. In milliseconds. */
const idleMs = (): number => (countsIdle ? performance.eventLoopUtilization().idle : performance.now());

export interface RemoteCacheOptions {
  /** Whether what was computed is uploaded, too. */
  readonly mayWrite: boolean;
  /**
   * Milliseconds that it is waited for without getting anything; `Infinity` waits as long as it takes.
   * @default 2000
   */
  readonly budgetMs?: number;
  /**
   * Milliseconds after which one that was left alone is tried again: for processes that go on.
   * @default never
   */
  readonly retryAfter?: number;
}

/**
 * What a run does with a remote cache. It never fails a run: whatever goes wrong, one line says so, and from then on it is left alone; a run
 * waits for it for two seconds at most, and as long as it takes for what it really gets.
 */
export class RemoteCache {
  private off = new AbortController();
  private readonly uploads: { readonly key: string; readonly read: () => Promise<Uint8Array | undefined> }[] = [];
  private readonly uploading = new Set<Promise<void>>();
  /** Names whose results were no good: they are written over. */
  private readonly refused = new Set<string>();
  private readonly usualBudget: number;
  private readonly retryAfter: number;
  private readonly wouldWrite: boolean;
  private mayWrite: boolean;
  private budget: number;
  private sent = 0;
  private spent = 0;
  private waiting = 0;
  private waitsSince = 0;
  private leftAt = 0;
  /** Until when the time was paid for by bytes that came. */
  private paidUntil = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param warn told once why it is left alone, and once of the first result that is no good */
  constructor(
    private readonly store: RemoteStore,
    private readonly warn: (message: string) => void,
    { mayWrite, budgetMs = usualBudgetMs, retryAfter = Infinity }: RemoteCacheOptions,
  ) {
    this.wouldWrite = mayWrite;
    this.mayWrite = mayWrite;
    this.usualBudget = budgetMs;
    this.budget = budgetMs;
    this.retryAfter = retryAfter;
  }

  /** Its host or bucket, for people. */
  get name(): string {
    return this.store.name;
  }

  /** The bytes under a name, as they are; undefined where there are none, or where the remote is of no use. */
  async get(key: string): Promise<Uint8Array | undefined> {
    return this.ask(async () => {
      const began = idleMs();
      const bytes = await this.store.get(key, (count) => {
        this.pay(began, (count / leastRate) * 1000);
      });
      this.pay(began, bytes ? Infinity : usualMs);
      return bytes;
    });
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
    return this.mayWrite && !this.isOff();
  }

  /** Whether it answers, as far as is known. */
  get answers(): boolean {
    return !this.isOff();
  }

  /** All that it has, as far as it says so before it is left alone; undefined where it has no list. */
  list(): AsyncIterable<RemoteEntry> | undefined {
    const entries = this.store.list?.();
    return entries && this.unlessItFails(entries);
  }

  /** Notes that what lies under a name is no good: it is computed anew, and written over. */
  refuse(key: string, reason: string): void {
    if (this.refused.size === 0) this.warn(`a result in the remote cache ${this.name} is not used: ${reason}`);
    this.refused.add(key);
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
      if (!bytes) return;
      // What is there stays, for it is the same; what is no good does not.
      const kept = await this.unlessOff(this.store.put(key, bytes, !this.refused.has(key)));
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
    if (this.isOff()) return undefined;
    try {
      await this.store.load?.();
      return await this.whileWaiting(what);
    } catch (error) {
      this.leave(messageOf(error));
      return undefined;
    }
  }

  private async whileWaiting<T>(what: () => Promise<T>): Promise<T | undefined> {
    const end = this.wait();
    try {
      return await this.unlessOff(what());
    } finally {
      end();
    }
  }

  /** What the store answers; undefined as soon as it is left alone. */
  private async unlessOff<T>(answer: Promise<T>): Promise<T | undefined> {
    const off = this.whenOff();
    try {
      return await Promise.race([answer, off.promise]);
    } finally {
      off.forget();
    }
  }

  /**
   * Gives time back that was not lost.
   * @param began when what was got was asked for
   * @param most milliseconds
   */
  private pay(began: number, most: number): void {
    const now = idleMs();
    const since = Math.max(began, this.paidUntil);
    this.budget += Math.min(most, now - since);
    this.paidUntil = Math.min(now, since + most);
  }

  /** Counts the time from now on as lost, once however many wait; the function that it returns ends that. */
  private wait(): () => void {
    if (this.waiting++ === 0) this.waitsSince = idleMs();
    this.watch();
    return () => {
      this.waiting--;
      const now = idleMs();
      this.spent += now - this.waitsSince;
      this.waitsSince = now;
      this.watch();
    };
  }

  private watch(): void {
    clearTimeout(this.timer);
    if (this.waiting === 0 || this.off.signal.aborted) return;
    this.timer = setTimeout(
      () => {
        // Something was got in the meantime, or this process had other things to do.
        if (this.left() > 1) this.watch();
        else this.leave('it is too slow');
      },
      Math.min(this.left(), longestTimer),
    );
  }

  private left(): number {
    return this.budget - this.spent - (idleMs() - this.waitsSince);
  }

  private leave(reason: string): void {
    if (this.off.signal.aborted) return;
    clearTimeout(this.timer);
    this.leftAt = performance.now();
    this.off.abort();
    this.store.close();
    this.warn(`the remote cache ${this.name} is left alone: ${reason}`);
  }

  /** Whether it was left alone; one whose time has come again is tried anew. */
  private isOff(): boolean {
    if (!this.off.signal.aborted) return false;
    if (performance.now() - this.leftAt < this.retryAfter) return true;
    this.off = new AbortController();
    this.mayWrite = this.wouldWrite;
    this.budget = this.usualBudget;
    this.spent = 0;
    return false;
  }

  private whenOff(): { readonly promise: Promise<undefined>; readonly forget: () => void } {
    let forget = (): void => undefined;
    const promise = new Promise<undefined>((resolve) => {
      forget = onAbort(this.off.signal, () => {
        resolve(undefined);
      });
    });
    return { promise, forget };
  }
}
