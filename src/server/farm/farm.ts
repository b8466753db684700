import { openStorage } from '../../storage/open-storage.js';
import { BullQueue, type BullQueueOptions } from './bull-queue.js';
import type { FarmLocation } from './farm-location.js';
import { asking, connect } from './connection.js';
import { RedisJobStore } from './redis-job-store.js';

export interface FarmOptions
  extends FarmLocation, Pick<BullQueueOptions, 'atOnce' | 'warn' | 'lockMs' | 'mendMs' | 'shortestRest'> {}

/** What servers and workers of a farm share. */
export interface Farm {
  readonly store: RedisJobStore;
  readonly queue: BullQueue;
  readonly close: () => Promise<void>;
}

/**
 * Finds the queue and the storage, and sees that both answer.
 * @throws BAD_ARGUMENT where packages are not installed, or a location is none; QUEUE_UNAVAILABLE, STORAGE_UNAVAILABLE
 */
export async function openFarm({ queue: url, storage, ...options }: FarmOptions): Promise<Farm> {
  const bytes = await openStorage(storage);
  const connection = await connect(url, options.warn);
  const store = new RedisJobStore(connection, bytes);
  const queue = new BullQueue({ connection, store, ...options });
  const close = async (): Promise<void> => {
    await queue.close(AbortSignal.abort());
    await queue.dispose();
    await store.close();
    connection.close();
  };
  try {
    await Promise.all([asking(connection.redis.ping()), bytes.head('jobs')]);
  } catch (error) {
    await close();
    throw error;
  }
  return { store, queue, close };
}
