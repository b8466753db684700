import type * as BullMQ from 'bullmq';
import type { Redis as Client } from 'ioredis';
import { hasCode, messageOf, UpresError } from '../../errors.js';
import { hungUp, isHangUp, redisRefusal } from '../../redis-refusal.js';

/** What only farms need. */
const peers = ['bullmq', 'ioredis'];
/** Milliseconds after which a request that Redis does not answer has failed; whoever may wait tries again. */
const answerMs = 10_000;

/** All keys begin so. */
export const keyPrefix = 'upres:';

/** Holds the password of a queue whose location says none: what stands in a command line, all who use the machine can read. */
const passwordVariable = 'UPRES_QUEUE_PASSWORD';

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
  /** The server, for people; without secrets. */
  readonly host: string;
  /** Whether TLS is spoken. */
  readonly secure: boolean;
  /** Number of the database. */
  readonly database: number;
  /** What was wrong with the connection last; undefined where nothing is. */
  readonly trouble: () => string | undefined;
  /** Resolves when the server says that it lets no one in, or is none, with its reason. */
  readonly refused: Promise<string>;
  readonly close: () => void;
}

/**
 * Connects; nothing is asked yet.
 * @param url `redis://user:password@host:6379/0`, `rediss://…` with TLS; the password may stand in `UPRES_QUEUE_PASSWORD`
 * @param warn told when the connection is lost, and when it is there again
 * @throws BAD_ARGUMENT where the packages are not installed, and for what is no location of a server
 */
export async function connect(url: string, warn: (message: string) => void): Promise<Connection> {
  const { address, host, secure, database } = locate(url);
  const [{ Redis }, bullmq] = await Promise.all([import('ioredis'), import('bullmq')]).catch((cause: unknown) => {
    const missing = hasCode(cause, 'ERR_MODULE_NOT_FOUND') && messageOf(cause);
    if (!missing || !peers.some((peer) => missing.includes(`'${peer}'`))) throw cause;
    throw new UpresError('BAD_ARGUMENT', `a queue needs some packages more: npm install ${peers.join(' ')}`, { cause });
  });
  const clients: Client[] = [];
  let trouble: string | undefined;
  let told: Promise<void> = Promise.resolve();
  let refuse: (why: string) => void = () => undefined;
  const refused = new Promise<string>((resolve) => (refuse = resolve));
  const note = (words: string): void => {
    const known = trouble !== undefined;
    // That it hung up says less than why.
    if (!known || !isHangUp(words)) trouble = words;
    if (!known) told = explain();
  };
  const explain = async (): Promise<void> => {
    const refusal = isHangUp(trouble!) ? await redisRefusal(address) : trouble === noRedis ? noRedis : undefined;
    if (refusal !== undefined) refuse((trouble = refusal));
    if (!closed) warn(`the queue at ${host} does not answer: ${trouble}`);
  };
  let closed = false;
  const client = (options: object): Client => {
    const made = new Redis(address, {
      // It is back when it is back; asked often enough that no one notices.
      retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 2000),
      // What was asked stands where another has taken over: under the same name is another server now.
      reconnectOnError: ({ message }) => message.includes('READONLY'),
      ...options,
    });
    let isReady = false;
    made.on('error', (error: unknown) => {
      note(wordsOf(error));
    });
    made.on('close', () => {
      // Without an error, too: it may say why, and end the connection as anyone does.
      if (!isReady && !closed) note(hungUp);
      isReady = false;
    });
    made.on('ready', () => {
      isReady = true;
      if (trouble === undefined) return;
      void told.then(() => {
        warn(`the queue at ${host} is there again`);
      });
      trouble = undefined;
    });
    clients.push(made);
    return made;
  };
  return {
    redis: client({ commandTimeout: answerMs, maxRetriesPerRequest: null }),
    patient: () => client({ maxRetriesPerRequest: null }),
    // A subscription that comes while it connects goes out at once, and after that the check is refused: all of them would be lost.
    subscriber: () => client({ maxRetriesPerRequest: null, enableReadyCheck: false }),
    ...{ bullmq, host, secure, database },
    trouble: () => trouble,
    refused,
    close: () => {
      closed = true;
      for (const each of clients) each.disconnect();
    },
  };
}

/** Takes a location apart. None of what it throws says it: it may hold a password. */
function locate(location: string) {
  const refuse = (why: string): never => {
    throw new UpresError('BAD_ARGUMENT', `a queue is redis://user:password@host:6379/0: ${why}`);
  };
  if (!URL.canParse(location)) {
    refuse(
      'this is no URL; it names one server, and what is no letter or digit in a password is escaped, as in %23 for #',
    );
  }
  const url = new URL(location);
  if (!url.hostname) refuse('it names no server');
  if (!/^\/?\d*$/.test(url.pathname)) refuse('after the / stands the number of a database');
  const secret = process.env[passwordVariable];
  if (!url.password && secret !== undefined) url.password = encodeURIComponent(secret);
  return {
    address: url.href.replace(/^valkey(s?):/, 'redis$1:'),
    host: url.host,
    secure: /^(?:rediss|valkeys):$/.test(url.protocol),
    database: Number(url.pathname.slice(1)),
  };
}

function wordsOf(error: unknown): string {
  const words = messageOf(error);
  if (words.includes('Protocol error, got')) return noRedis;
  return words || 'no connection';
}

const noRedis = 'what answers is no Redis';

/** What Redis did not answer, in the words of upres; ours stay as they are. */
export async function asking<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof UpresError) throw cause;
    throw new UpresError('QUEUE_UNAVAILABLE', `the queue can’t be used: ${messageOf(cause)}`, { cause });
  }
}
