import { CreditedTime } from './credited-time.js';

/**
 * Milliseconds that a process waits for a remote cache, all in all, without getting anything for it. With what asking costs besides, and a network
 * that computes later for it, a build is to take two seconds longer at most.
 */
const usualBudgetMs = 1250;
/** A process that has not asked for so many milliseconds has come to the end of what it did: a dev server, or a watcher. */
const usualRestMs = 60_000;
/** Timers count milliseconds in 31 bits. */
const longestTimer = 2 ** 31 - 1;

/** Bun and containers in browsers do not count how long they have nothing to do. */
const countsIdle = process.versions.bun === undefined && process.versions.webcontainer === undefined;

/** Where time comes from. */
export interface Clock {
  /** Milliseconds, of any beginning, in which waiting is counted. */
  readonly waited: () => number;
  /** Milliseconds, of any beginning, that pass whatever happens. */
  readonly passed: () => number;
  /**
   * Calls back after so many milliseconds.
   * @returns a function that takes that back
   */
  readonly after: (ms: number, callback: () => void) => () => void;
}

const realClock: Clock = {
  // Stands while this process is busy: of what came meanwhile it knows nothing yet, so that is no waiting.
  waited: () => (countsIdle ? performance.eventLoopUtilization().idle : performance.now()),
  passed: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

export interface PatienceOptions {
  /**
   * Milliseconds that are waited without getting anything; `Infinity` waits as long as it takes.
   * @default 1250
   */
  readonly budgetMs?: number;
  /**
   * Milliseconds after which a remote that was left alone is tried again: for processes that go on.
   * @default never
   */
  readonly retryAfter?: number;
  /**
   * Milliseconds without a question after which all begins anew; twice as many after each time that the remote was left alone in vain.
   * @default never
   */
  readonly restMs?: number;
  readonly clock?: Clock;
}

/** Told why the remote is left alone: one of those who wait for it, once. */
export type Say = (reason: string) => void;

/** Time that was not lost while something was got. */
export interface Credit {
  /**
   * So much of the time since it was asked for was worth it; what was said before does not count any more.
   * @param ms however long that is: time that has not passed is not saved up
   */
  readonly raise: (ms: number) => void;
  /** It was worth that, and nothing more. */
  readonly keep: () => void;
  /** It was not worth it after all, unless it was kept. */
  readonly withdraw: () => void;
}

/**
 * How long a process waits for one remote, whatever is asked of it and by whom: time in which anyone waits is counted once, time that was worth
 * it is not, and when the rest has come to the budget the remote is left alone by all.
 */
export class Patience {
  private readonly usual: number;
  private readonly retryAfter: number;
  private readonly usualRest: number;
  private readonly clock: Clock;
  private readonly listeners = new Set<() => void>();
  private waiting = 0;
  private over = false;
  private readonly credited = new CreditedTime();
  private spent = 0;
  private since = 0;
  private overSince = 0;
  private rest: number;
  private askedAt: number;
  private say: Say = () => undefined;
  private cancelTimer: () => void = () => undefined;
  private rounds = 0;

  constructor(options: PatienceOptions = {}) {
    const { budgetMs = usualBudgetMs, retryAfter = Infinity, restMs = Infinity, clock = realClock } = options;
    this.usual = budgetMs;
    this.retryAfter = retryAfter;
    this.usualRest = restMs;
    this.rest = restMs;
    this.clock = clock;
    this.askedAt = clock.passed();
  }

  /** Milliseconds that were lost. */
  get lost(): number {
    return this.usual - this.left();
  }

  /** Counts up whenever the remote is tried anew. */
  get round(): number {
    return this.rounds;
  }

  /** Whether the remote is left alone; one whose time has come again is tried anew. */
  get isOver(): boolean {
    if (!this.over) return false;
    if (this.clock.passed() - this.overSince < this.retryAfter) return true;
    this.begin();
    return false;
  }

  /** Whether nothing may be asked any more; where that is since the time has run out, whoever wants to ask says so. */
  refuses(say: Say): boolean {
    const now = this.clock.passed();
    if (this.waiting === 0 && now - this.askedAt >= this.rest) {
      this.rest = this.over ? this.rest * 2 : this.usualRest;
      this.begin();
    }
    this.askedAt = now;
    if (!this.isOver && this.left() <= 0) this.end('it is too slow', say);
    return this.isOver;
  }

  /**
   * Counts the time from now on as lost, once however many wait.
   * @returns a function that ends that
   */
  wait(say: Say): () => void {
    if (this.waiting++ === 0) this.since = this.clock.waited();
    this.say = say;
    this.watch();
    return () => {
      this.waiting--;
      const now = this.clock.waited();
      this.spent += now - this.since;
      this.since = now;
      this.watch();
    };
  }

  /** For what is asked for now; to be kept or withdrawn in the end. What several are credited with at once counts once. */
  credit(): Credit {
    const stretch = this.credited.begin(this.clock.waited());
    return {
      raise: (ms) => {
        stretch.until = Math.max(stretch.until, Math.min(this.clock.waited(), stretch.from + ms));
      },
      keep: () => {
        this.credited.keep(stretch);
      },
      withdraw: () => {
        this.credited.withdraw(stretch);
        this.watch();
      },
    };
  }

  /** Has the remote left alone by all. */
  end(reason: string, say: Say): void {
    if (this.over) return;
    this.cancelTimer();
    this.over = true;
    this.overSince = this.clock.passed();
    for (const listener of this.listeners) listener();
    this.listeners.clear();
    say(reason);
  }

  /**
   * Calls back when the remote is left alone; at once where it is.
   * @returns a function that takes that back
   */
  onEnd(listener: () => void): () => void {
    if (this.over) listener();
    else this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  private begin(): void {
    if (this.over) this.rounds++;
    this.over = false;
    this.credited.clear();
    this.spent = 0;
    this.since = this.clock.waited();
  }

  private watch(): void {
    this.cancelTimer();
    if (this.waiting === 0 || this.over) return;
    this.cancelTimer = this.clock.after(Math.min(Math.max(this.left(), 1), longestTimer), () => {
      // Something was got in the meantime, or this process had other things to do.
      if (this.left() > 1) this.watch();
      else this.end('it is too slow', this.say);
    });
  }

  private left(): number {
    const running = this.waiting > 0 ? this.clock.waited() - this.since : 0;
    return this.usual + this.credited.total - this.spent - running;
  }
}

const byName = new Map<string, Patience>();

/**
 * The patience of this process with what is at a location: several bundlers, compilations and streams of a build have it in common, and the next
 * build of a process that goes on begins anew.
 * @param token that it is asked with: whose is refused takes it from no one else
 */
export function patienceWith(location: string, token?: string): Patience {
  const name = JSON.stringify([location, token]);
  const known = byName.get(name) ?? new Patience({ restMs: usualRestMs });
  byName.set(name, known);
  return known;
}
