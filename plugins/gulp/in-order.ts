import { availableParallelism } from 'node:os';

/** Enough to keep every core busy while others read and write; what is in memory at once the core bounds by itself. */
const most = 2 * availableParallelism() + 2;

interface Work<Result> {
  readonly promise: Promise<Result>;
  /** There as soon as it has succeeded. */
  made?: { readonly result: Result };
}

/** Several pieces of work at once, whose results are given in the order in which the work was added. The first error ends it. */
export class InOrder<Result> {
  private readonly underWay: Work<Result>[] = [];

  constructor(private readonly give: (result: Result) => void) {}

  /** Whether nothing is under way, or waits to be given. */
  get isEmpty(): boolean {
    return this.underWay.length === 0;
  }

  /** Gives what is ready to be given, and tells whether nothing is left. */
  giveReady(): boolean {
    while (this.underWay[0]?.made) this.give(this.underWay.shift()!.made!.result);
    return this.isEmpty;
  }

  /**
   * Adds work, and waits until there is room for more.
   * @throws the error of work that was added before
   */
  async add(promise: Promise<Result>): Promise<void> {
    const work: Work<Result> = { promise };
    promise.then(
      (result) => (work.made = { result }),
      // Whether it fails is looked at when its turn comes.
      () => undefined,
    );
    this.underWay.push(work);
    if (this.underWay.length >= most) this.give(await this.underWay.shift()!.promise);
  }

  /**
   * Waits for all.
   * @throws the first error
   */
  async end(): Promise<void> {
    for (const { promise } of this.underWay.splice(0)) this.give(await promise);
  }
}
