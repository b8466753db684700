import { isMainThread } from 'node:worker_threads';
import { asError, UpresError } from '../../errors.js';
import { version } from '../../version.js';
import { Admission } from './admission.js';
import type { ProcessorDevice } from '../device.js';
import { fromErrorMessage } from './error-message.js';
import { FairQueue } from './fair-queue.js';
import type { Piece, PoolCall } from './pool-call.js';
import { PoolThread, threadDied } from './pool-thread.js';
import { Preparations } from './preparations.js';
import type { FinalReply, Prepared, PrepareOrder, WeightsLocation } from './protocol.js';
import { loadRuntime } from './runtime.js';
import { defaultThreads } from './thread-count.js';
import type { WasmModule } from './web-assembly.js';

/** How long the end of the process waits for threads to leave the runtime: many times the longest tile. */
const exitDrainMs = 15_000;

/** Bytes of input and output that calls may hold at once; the others wait. */
const memoryInFlight = 1 << 30;

/** Tiles up to this length are given to threads that are still busy. */
const longestAheadMs = 100;

interface OpenWeights {
  location: WeightsLocation;
  readonly locate: () => Promise<WeightsLocation>;
  users: number;
}

/**
 * The threads of this process: one pool, however many networks and callers. It hands tiles to threads by the fair queue's
 * turn, starts threads when they are first needed, replaces those that die, and sees to it that the process never ends while
 * one is inside the runtime.
 */
export class ThreadPool {
  readonly admission = new Admission(memoryInFlight);
  private readonly threads: PoolThread[] = [];
  /** Threads that were released and still hold something. */
  private readonly ending = new Set<PoolThread>();
  /** Calls with pieces that no thread was given yet. Whether one can be taken depends on how busy its network is. */
  private readonly queue = new FairQueue<PoolCall>(({ network }) => network);
  /** Calls that are not settled. */
  private unsettled = 0;
  /** Those of them that compute a network: work on rows is over soon. */
  private readonly computing = new Map<object, number>();
  private readonly preparations = new Preparations();
  private readonly weights = new Map<string, OpenWeights>();
  /** How often a piece was lost with its thread. */
  private readonly losses = new WeakMap<Piece, number>();
  private nextOrder = 1;
  private drainInstalled = false;

  /**
   * The pool of this process, shared by all copies of this version that are installed.
   * @throws NOT_MAIN_THREAD in a worker thread: one that is terminated while a thread of its own computes aborts the process
   */
  static get(): ThreadPool {
    if (!isMainThread) {
      throw new UpresError(
        'NOT_MAIN_THREAD',
        'networks are created in the main thread: call share() there, post the handle, and use ThreadSafeNetwork.attach(handle) here',
      );
    }
    const registry = globalThis as Record<symbol, ThreadPool | undefined>;
    return (registry[Symbol.for(`upres.pool@${version}`)] ??= new ThreadPool());
  }

  /**
   * Makes weights known to the threads; each user closes them once.
   * @param locate finds or prepares them again, should their files be swept away
   */
  openWeights(weights: string, location: WeightsLocation, locate: () => Promise<WeightsLocation>): void {
    const open = this.weights.get(weights);
    if (open) open.users++;
    else this.weights.set(weights, { location, locate, users: 1 });
  }

  /** Gives weights back. After their last user threads release them; after the last user of any, the threads end. */
  async closeWeights(weights: string): Promise<void> {
    const open = this.weights.get(weights);
    if (!open || --open.users > 0) return;
    this.weights.delete(weights);
    for (const thread of this.threads) thread.close(weights);
    await this.endUnused();
  }

  /** Starts threads for work that is about to come, until there are so many: they need as long as a picture takes to be read. */
  startThreads(count: number): void {
    while (this.threads.length < count) this.startThread();
  }

  /** Ends the threads if no network is open and nothing is being done. */
  async endUnused(): Promise<void> {
    if (this.weights.size > 0 || this.active) return;
    const threads = this.threads.splice(0);
    for (const thread of threads) this.ending.add(thread);
    await Promise.all(threads.map((thread) => thread.end()));
  }

  /**
   * Loads what threads compute with: once, and before any of them does.
   * @returns the runtime in WebAssembly, compiled; undefined for the native one
   * @throws UNSUPPORTED_PLATFORM
   */
  async loadBinary(device: ProcessorDevice): Promise<WasmModule | undefined> {
    let wasm: WasmModule | undefined;
    if (device === 'cpu') await loadRuntime();
    else wasm = await (await import('./wasm-runtime.js')).compileWasm();
    if (!this.drainInstalled) {
      this.drainInstalled = true;
      process.on('exit', () => {
        this.drainAtExit();
      });
    }
    return wasm;
  }

  /**
   * Has a thread prepare a network.
   * @throws MODEL_UNSUPPORTED where that takes longer than any network does; the thread goes on, for the runtime can't be stopped
   */
  prepare(order: Omit<PrepareOrder, 'order'>): Promise<Prepared> {
    const prepared = this.preparations.add(order);
    this.dispatch();
    return prepared;
  }

  /** Does a call's pieces; the call's own promises tell how it went. */
  async compute(call: PoolCall): Promise<void> {
    this.count(call, 1);
    this.queue.add(call);
    void call.settled.then(() => {
      this.queue.remove(call);
      this.count(call, -1);
      this.holdProcess();
    });
    this.dispatch();
    await call.result;
  }

  /** Calls that are computed by a network now; rows that are done on its behalf are none. */
  callsFor(network: object): number {
    return this.computing.get(network) ?? 0;
  }

  /** Threads that were given something to do and have not answered yet. */
  get busy(): number {
    return this.threads.filter((thread) => thread.load > 0).length;
  }

  private get active(): boolean {
    return this.unsettled > 0 || this.preparations.areActive;
  }

  private count({ network, weights }: PoolCall, change: 1 | -1): void {
    this.unsettled += change;
    if (weights === undefined) return;
    const calls = this.callsFor(network) + change;
    if (calls > 0) this.computing.set(network, calls);
    else this.computing.delete(network);
  }

  /** Blocks the process' end until no thread is inside the runtime: ending there aborts the process. */
  private drainAtExit(): void {
    const threads = [...this.threads, ...this.ending];
    for (const thread of threads) thread.state.stop();
    const deadline = performance.now() + exitDrainMs;
    for (const thread of threads) thread.state.waitUntilIdle(deadline);
  }

  private dispatch(): void {
    while (this.dispatchPreparation() || this.dispatchPiece());
    this.holdProcess();
  }

  private holdProcess(): void {
    for (const thread of this.threads) thread.hold(this.active);
  }

  private dispatchPreparation(): boolean {
    const thread = this.preparations.areWaiting ? this.idleThread(defaultThreads()) : undefined;
    if (!thread) return false;
    this.preparations.giveNext(thread, this.nextOrder++, () => {
      this.dispatch();
    });
    return true;
  }

  private dispatchPiece(): boolean {
    const call = this.queue.next((candidate) => this.canTake(candidate));
    if (!call) return false;
    // One that was cancelled just now has none left.
    if (call.pendingPieces === 0) this.queue.remove(call);
    else this.givePiece(this.idleThreadFor(call) ?? this.aheadThreadFor(call)!, call);
    return true;
  }

  private canTake(call: PoolCall): boolean {
    if (
      this.mayEmployMore(call) &&
      (this.threads.length < call.threads || this.threads.some((thread) => thread.hasLoad(0)))
    ) {
      return true;
    }
    return this.aheadThreadFor(call) !== undefined;
  }

  private mayEmployMore(call: PoolCall): boolean {
    return this.threads.filter((thread) => thread.worksFor(call.network)).length < call.threads;
  }

  private idleThreadFor(call: PoolCall): PoolThread | undefined {
    return this.mayEmployMore(call) ? this.idleThread(call.threads) : undefined;
  }

  /**
   * A busy thread that may be given its next tile already, so that it never waits for this thread's event loop. Not when tiles
   * are few: the last ones go to whoever is free first. Nor while a network waits to be prepared, which takes a thread of its
   * own: busy threads would never become free. Nor tiles that are long: whoever comes next would wait for them too, and besides
   * them the time until this thread hands out the next one is short. Nor one of a lower priority while tiles of a higher one wait,
   * which may not be given ahead for one of these reasons.
   */
  private aheadThreadFor(call: PoolCall): PoolThread | undefined {
    if (call.pieceMs > longestAheadMs || call.priority !== this.queue.highestPriority) return undefined;
    if (this.preparations.areWaiting || !this.hasPiecesForAll()) return undefined;
    const more = this.mayEmployMore(call);
    return this.threads.find((thread) => thread.hasLoad(1) && (more || thread.worksFor(call.network)));
  }

  /** Whether there is a tile to be given for every thread. */
  private hasPiecesForAll(): boolean {
    let missing = this.threads.length;
    for (const call of this.queue.members()) {
      missing -= call.pendingPieces;
      if (missing <= 0) return true;
    }
    return missing <= 0;
  }

  /** A thread without work; a new one while there are fewer than `most`. */
  private idleThread(most: number): PoolThread | undefined {
    const idle = this.threads.find((thread) => thread.hasLoad(0));
    if (idle || this.threads.length >= most) return idle;
    return this.startThread();
  }

  private startThread(): PoolThread {
    const numbers = new Set(this.threads.map((thread) => thread.number));
    let number = 0;
    while (numbers.has(number)) number++;
    const thread = new PoolThread(number, (ended) => {
      this.ending.delete(ended);
      const place = this.threads.indexOf(ended);
      if (place >= 0) this.threads.splice(place, 1);
      this.dispatch();
    });
    this.threads.push(thread);
    return thread;
  }

  private givePiece(thread: PoolThread, call: PoolCall): void {
    const open = call.weights === undefined ? undefined : this.weights.get(call.weights);
    if (call.weights !== undefined) {
      if (!open) throw new Error(`the weights ${call.weights} are not open`);
      thread.open(call.weights, open.location);
    }
    const piece = call.take();
    this.queue.charge(call, piece.work);
    if (call.pendingPieces === 0) this.queue.remove(call);
    thread.give(call.orderFor(piece, this.nextOrder++), {
      network: call.network,
      onReply: (reply) => {
        if (reply.kind === 'swept') void this.computeAgain(call, piece, open!);
        else settlePiece(call, piece, reply, thread.number);
        this.dispatch();
      },
      onAdvance: (share) => {
        call.advanced?.(piece, share);
      },
      onLost: (error) => {
        this.lost(call, piece, threadDied(error));
      },
    });
  }

  /** A piece was not done: once it is done again, if it may be. */
  private lost(call: PoolCall, piece: Piece, error: UpresError): void {
    const losses = (this.losses.get(piece) ?? 0) + 1;
    this.losses.set(piece, losses);
    if (losses < 2 && (call.mayRepeat?.(piece) ?? true)) call.putBack(piece);
    else call.failed(error);
    if (call.pendingPieces > 0) this.queue.add(call);
    this.dispatch();
  }

  /** The cache folder was swept while the network is open. */
  private async computeAgain(call: PoolCall, piece: Piece, open: OpenWeights): Promise<void> {
    try {
      open.location = await open.locate();
      this.lost(
        call,
        piece,
        new UpresError('INFERENCE_FAILED', 'the files of the weights are swept away again and again'),
      );
    } catch (error) {
      call.failed(asError(error));
    }
  }
}

function settlePiece(call: PoolCall, piece: Piece, reply: FinalReply, thread: number): void {
  switch (reply.kind) {
    case 'done':
      call.answered(piece, reply, thread);
      return;
    case 'failed':
      call.failed(fromErrorMessage(reply.error));
      return;
    case 'skipped':
    case 'swept':
    case 'prepared':
      call.skipped();
      return;
  }
}
