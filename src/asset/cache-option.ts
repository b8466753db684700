import { choice, either, literal, options, secret, text, type TypeOf } from '../schema.js';

const folder = text('a folder');
const secretText = secret(text('a text'));
const sharedFields = {
  /**
   * Where results lie that others share: `https://cache.example.com/upres/`.
   * @default the variable `UPRES_REMOTE_CACHE`; without it none
   */
  remote: text('a URL that begins with http:// or https://', { pattern: /^https?:\/\/[^/]/ }),
  /** The folder of results on this machine. */
  folder,
  /**
   * `read`: results are looked for there; `read-write`: what was computed is uploaded, too.
   * @default `read`
   */
  mode: choice(['read', 'read-write']),
  /** Sent to the remote cache as `Authorization: Bearer`. */
  token: secretText,
  /** A secret of those who share the cache: results are signed with it, and only those are taken. */
  key: secretText,
};

export const sharedCacheOptions = options(sharedFields);

/** A cache that others share. */
export interface SharedCacheOptions extends TypeOf<typeof sharedCacheOptions> {}

/** Where results are kept. */
export const cacheOption = either('a folder, false, or { remote }', folder, literal(false), sharedCacheOptions);
export type CacheOption = TypeOf<typeof cacheOption>;
