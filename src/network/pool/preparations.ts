import { afterComputing } from '../../abort.js';
import { UpresError } from '../../errors.js';
import { fromErrorMessage } from './error-message.js';
import { threadDied, type PoolThread } from './pool-thread.js';
import type { Prepared, PrepareOrder } from './protocol.js';

/** How long the trial of a network may compute: the largest take a minute. */
const longestPreparationMs = 15 * 60_000;

interface Preparation {
  readonly order: Omit<PrepareOrder, 'order'>;
  readonly resolve: (prepared: Prepared) => void;
  readonly reject: (error: Error) => void;
  attempts: number;
}

/** Networks that threads are to prepare: each takes a thread of its own for its trial. */
export class Preparations {
  private readonly waiting: Preparation[] = [];
  private underWay = 0;

  get areWaiting(): boolean {
    return this.waiting.length > 0;
  }

  /** Whether any waits or is being done. */
  get areActive(): boolean {
    return this.areWaiting || this.underWay > 0;
  }

  /**
   * Puts a network last in the queue.
   * @returns what came of it
   * @throws MODEL_UNSUPPORTED where that takes longer than any network does; the thread goes on, for the runtime can't be stopped
   */
  add(order: Omit<PrepareOrder, 'order'>): Promise<Prepared> {
    return new Promise<Prepared>((resolve, reject) => {
      this.waiting.push({ order, resolve, reject, attempts: 0 });
    });
  }

  /**
   * Gives the next network, which must be there, to a thread without work. One whose thread died is given once more.
   * @param order a number for the order
   * @param onEnd called when that is over
   */
  giveNext(thread: PoolThread, order: number, onEnd: () => void): void {
    const next = this.waiting.shift()!;
    this.underWay++;
    const forget = afterComputing(longestPreparationMs, () => {
      next.reject(tookTooLong());
    });
    const end = (): void => {
      this.underWay--;
      forget();
    };
    thread.give(
      { ...next.order, order },
      {
        network: undefined,
        onReply: (reply) => {
          end();
          if (reply.kind === 'prepared') next.resolve(reply.prepared);
          else if (reply.kind === 'failed') next.reject(fromErrorMessage(reply.error));
          else next.reject(new UpresError('ABORTED', 'the process is ending'));
          onEnd();
        },
        onLost: (error) => {
          end();
          if (++next.attempts < 2) this.waiting.unshift(next);
          else next.reject(threadDied(error));
          onEnd();
        },
      },
    );
  }
}

function tookTooLong(): UpresError {
  const minutes = longestPreparationMs / 60_000;
  return new UpresError('MODEL_UNSUPPORTED', `its trial was not over after ${minutes} minutes of computing`);
}
