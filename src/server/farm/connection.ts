import type * as BullMQ from 'bullmq';
import type { Redis as Client } from 'ioredis';
import { hasCode, messageOf, UpresError } from '../../errors.js';

/** What only farms need. */
const peers = ['bullmq', 'ioredis'];
/** Milliseconds after which a request that Redis does not answer has failed; whoever may wait tries again. */
const answerMs = 10_000;

/** All keys begin so. */
export const keyPrefix = 'upres:';

/** A connection to Redis, or to Valkey, and how to make more of its kind. */
export interface Connection {
  /** For commands: fails where they are not answered in time. */
  readonly redis: Client;
  /** A connection of its own, which waits for as long as it takes. */
  readonly patient: () => Client;
  /** As `patient`, to subscribe on. */
  readonly subscriber: () => Client;
  /** The queue's own library. */
  readonly bullmq: typeof BullMQ;
  readonly close: () => void;
}

/**
 * Connects; nothing is asked yet.
 * @param url `redis://user:password@host:6379/0`, `rediss://…` with TLS
 * @param warn told when the connection is lost, and when it is there again
 * @throws BAD_ARGUMENT where the packages are not installed
 */
export async function connect(url: string, warn: (message: string) => void): Promise<Connection> {
  const [{ Redis }, bullmq] = await Promise.all([import('ioredis'), import('bullmq')]).catch((cause: unknown) => {
    const missing = hasCode(cause, 'ERR_MODULE_NOT_FOUND') && messageOf(cause);
    if (!missing || !peers.some((peer) => missing.includes(`'${peer}'`))) throw cause;
    throw new UpresError('BAD_ARGUMENT', `a queue needs some packages more: npm install ${peers.join(' ')}`, { cause });
  });
  const address = url.replace(/^valkey(s?):/, 'redis$1:');
  const host = new URL(url).host;
  const clients: Client[] = [];
  let lost = false;
  const client = (options: object): Client => {
    const made = new Redis(address, {
      // It is back when it is back; asked often enough that no one notices.
      retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 2000),
      ...options,
    });
    made.on('error', (error: unknown) => {
      if (lost) return;
      lost = true;
      warn(`the queue at ${host} does not answer: ${messageOf(error) || 'no connection'}`);
    });
    made.on('ready', () => {
      if (lost) warn(`the queue at ${host} is there again`);
      lost = false;
    });
    clients.push(made);
    return made;
  };
  return {
    redis: client({ commandTimeout: answerMs, maxRetriesPerRequest: null }),
    patient: () => client({ maxRetriesPerRequest: null }),
    // A subscription that comes while it connects goes out at once, and after that the check is refused: all of them would be lost.
    subscriber: () => client({ maxRetriesPerRequest: null, enableReadyCheck: false }),
    bullmq,
    close: () => {
      for (const each of clients) each.disconnect();
    },
  };
}

/** What Redis did not answer, in the words of upres; ours stay as they are. */
export async function asking<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof UpresError) throw cause;
    throw new UpresError('QUEUE_UNAVAILABLE', `the queue can’t be used: ${messageOf(cause)}`, { cause });
  }
}
