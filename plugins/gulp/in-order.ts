import { availableParallelism } from 'node:os';

/** Enough to keep every core busy while others read and write; what is in memory at once the core bounds by itself. */
const most = 2 * availableParallelism() + 2;

/** Several pieces of work at once, whose results are given in the order in which the work was added. The first error ends it. */
export class InOrder<Result> {
  private readonly underWay: Promise<Result>[] = [];

  constructor(private readonly give: (result: Result) => void) {}

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.underWay.length === 0;
  }

  /**
   * Adds work, and waits until there is room for more.
   * @throws the error of work that was added before
   */
  async add(work: Promise<Result>): Promise<void> {
    // Whether it fails is looked at when its turn comes.
    work.catch(() => undefined);
    this.underWay.push(work);
    if (this.underWay.length >= most) this.give(await this.underWay.shift()!);
  }

  /**
   * Waits for all.
   * @throws the first error
   */
  async end(): Promise<void> {
    for (const work of this.underWay.splice(0)) this.give(await work);
  }
}
