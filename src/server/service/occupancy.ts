import type { Client } from './client.js';
import type { ServerLimits } from './limits.js';
import type { ServerMetrics } from './metrics.js';
import { Problem, retrySeconds } from '../http/problem.js';

interface Share {
  requests: number;
  pixels: number;
  bytes: number;
}

/** Where there are several clients, none may hold more than this share of what all of them may hold together. */
const shareOfSeveral = 0.5;

/** What requests hold at the moment, by client: a client that asks for more than allowed has to come back, and nothing is allocated. */
export class Occupancy {
  private readonly shares = new Map<Client, Share>();
  private readonly mostBytesOfOne: number;
  private bytes = 0;

  /** @param clients how many there may be */
  constructor(
    private readonly limits: ServerLimits,
    private readonly metrics: ServerMetrics,
    clients: number,
  ) {
    this.mostBytesOfOne = limits.heldBytes * (clients > 1 ? shareOfSeveral : 1);
  }

  /**
   * Takes room for bytes that arrive.
   * @returns a function that gives it back; calling it twice does no harm
   * @throws Problem BUSY: 429 where the client holds too much, 503 where all of them together do
   */
  holdBytes(client: Client, bytes: number): () => void {
    const share = this.shareOf(client);
    const { heldBytes } = this.limits;
    if (share.bytes > 0 && share.bytes + bytes > this.mostBytesOfOne) {
      throw busy(429, 'your requests hold as many bytes as they may: wait for some of them');
    }
    if (this.bytes > 0 && this.bytes + bytes > heldBytes) {
      throw busy(503, 'requests hold as many bytes as the server has room for: try again');
    }
    return this.take(client, share, { requests: 0, pixels: 0, bytes });
  }

  /**
   * Takes a client's place in the queue.
   * @param pixels of the result
   * @returns a function that gives it back; calling it twice does no harm
   * @throws Problem BUSY with 429
   */
  queue(client: Client, pixels: number): () => void {
    const share = this.shareOf(client);
    const { requestsPerClient, queuedPixels } = this.limits;
    if (share.requests >= requestsPerClient || (share.pixels > 0 && share.pixels + pixels > queuedPixels)) {
      throw busy(429, 'you have as many images in the queue as you may: wait for some of them');
    }
    return this.take(client, share, { requests: 1, pixels, bytes: 0 });
  }

  private shareOf(client: Client): Share {
    return this.shares.get(client) ?? { requests: 0, pixels: 0, bytes: 0 };
  }

  private take(client: Client, share: Share, taken: Readonly<Share>): () => void {
    this.shares.set(client, share);
    const add = (sign: 1 | -1): void => {
      share.requests += sign * taken.requests;
      share.pixels += sign * taken.pixels;
      share.bytes += sign * taken.bytes;
      this.bytes += sign * taken.bytes;
      this.metrics.queueRequests.inc(sign * taken.requests);
      this.metrics.queuePixels.inc(sign * taken.pixels);
      this.metrics.heldBytes.set(this.bytes);
      if (share.requests + share.pixels + share.bytes === 0) this.shares.delete(client);
    };
    add(1);
    let held = true;
    return () => {
      if (held) add(-1);
      held = false;
    };
  }
}

function busy(status: 429 | 503, detail: string): Problem {
  return new Problem(status, 'BUSY', detail, { retryAfter: retrySeconds });
}
