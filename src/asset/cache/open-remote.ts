import { BucketStore } from './bucket-store.js';
import { HttpStore } from './http-store.js';
import { RedisStore } from './redis-store.js';
import type { RemoteStore } from './remote-store.js';

/**
 * The store behind a remote cache's location: `https://…`, `s3://…` or `redis://…`. Nothing is asked of it yet.
 * @param token for HTTP
 */
export function openRemote(location: string, token: string | undefined): RemoteStore {
  if (/^s3:/i.test(location)) return new BucketStore(location);
  return /^rediss?:/i.test(location) ? new RedisStore(location) : new HttpStore(location, token);
}
