import { openStorage } from '../../storage/open-storage.js';
import { BullQueue, type BullQueueOptions } from './bull-queue.js';
import type { FarmLocation } from './farm-location.js';
import { checkServer } from './check-server.js';
import { connect } from './connection.js';
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
 * @throws BAD_ARGUMENT where packages are not installed, or a location is none, or of what a farm can't use; QUEUE_UNAVAILABLE,
 *   STORAGE_UNAVAILABLE
 */
export async function openFarm({ queue: url, storage, ...options }: FarmOptions): Promise<Farm> {
  const bytes = await openStorage(storage);
  const connection = await connect(url, options.warn);
  const store = new RedisJobStore(connection, bytes);
  try {
    await Promise.all([checkServer(connection), bytes.check()]);
  } catch (error) {
    await store.close();
    connection.close();
    throw error;
  }
  // Nothing was written so far: it could be the wrong database.
  const queue = new BullQueue({ connection, store, ...options });
  const close = async (): Promise<void> => {
    await queue.close(AbortSignal.abort());
    await queue.dispose();
    await store.close();
    connection.close();
  };
  return { store, queue, close };
}
