import { messageOf, UpresError } from '../../errors.js';
import { isHangUp } from '../../redis-refusal.js';
import { asking, type Connection } from './connection.js';

/**
 * Sees that what answers is a server that can hold a farm's queue.
 * @throws BAD_ARGUMENT for one that never can: a sentinel, a node of a cluster, one without that database; QUEUE_UNAVAILABLE where it
 *   does not answer, lets no one in, or is a copy that takes no changes
 */
export async function checkServer(connection: Connection): Promise<void> {
  const { redis, host, database } = connection;
  const facts = factsOf(await askFirst(connection));
  const refuse = (what: string): never => {
    throw new UpresError('BAD_ARGUMENT', `the queue at ${host} can’t be used: ${what}`);
  };
  if (facts.redis_mode === 'sentinel') {
    refuse(
      'it is a sentinel, which only knows where Redis is; name a host that always leads to the server that takes changes',
    );
  }
  if (facts.redis_mode === 'cluster' || facts.cluster_enabled === '1') {
    refuse('it is a node of a cluster, and a farm needs all of its keys in one place: name a single server');
  }
  if (facts.role === 'slave' && facts.slave_read_only !== '0') {
    const name = `${facts.master_host}:${facts.master_port}`;
    throw new UpresError('QUEUE_UNAVAILABLE', `the queue at ${host} can’t be used: it is a read-only copy of ${name}`);
  }
  // A connection to a database that is not there would use the first one.
  await redis.select(database).catch((error: unknown) => {
    if (messageOf(error).includes('out of range')) refuse(`it has no database ${database}`);
    return asking(Promise.reject(error as Error));
  });
}

/** What it says of itself, which is the first that it is asked. */
async function askFirst(connection: Connection): Promise<string> {
  try {
    return await Promise.race([
      connection.redis.info(),
      connection.refused.then((why) => Promise.reject(new Refused(why))),
    ]);
  } catch (error) {
    if (error instanceof Refused) {
      throw new UpresError('QUEUE_UNAVAILABLE', `the queue at ${connection.host} can’t be used: ${error.message}`);
    }
    const trouble = connection.trouble();
    // It was not there at all, or spoke another language.
    const silent = /timed out/i.test(messageOf(error));
    if (!silent) return asking(Promise.reject(error as Error));
    const { host, secure } = connection;
    const hint = secure ? 'without TLS it is redis://, not rediss://' : 'with TLS it is rediss://, not redis://';
    // It hung up on what it did not understand, or still waits for more of it.
    const strange = trouble === undefined || isHangUp(trouble);
    const what = [trouble, ...(strange ? [hint] : [])].filter((part) => part !== undefined).join('; ');
    throw new UpresError('QUEUE_UNAVAILABLE', `the queue at ${host} does not answer: ${what}`, {
      cause: error,
    });
  }
}

/** It says that it lets no one in. */
class Refused extends Error {}

const factsOf = (info: string): Readonly<Record<string, string>> =>
  Object.fromEntries([...info.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name!, value!]));
