import { choice, either, literal, options, secret, text, type Schema, type TypeOf } from '../schema.js';

const folder = text('a folder');
/** What a header can carry: of anything else `fetch` would say all of it. */
const token = secret(text('a text of one line, as a header can carry it', { pattern: /^[\t\x20-\x7e\x80-\xff]+\s*$/ }));
/** A secret, too: it may hold a password. */
const remote: Schema<string> = secret({
  ...text('a URL that begins with http:// or https://', { pattern: /^https?:\/\/[^/]/ }),
  accepts: isRemote,
});
export const sharedFields = {
  /**
   * Where results lie that others share: `https://cache.example.com/upres/`.
   * @default the variable `UPRES_REMOTE_CACHE`; without it none
   */
  remote,
  /** The folder of results on this machine. */
  folder,
  /**
   * `read`: results are looked for there; `read-write`: what was computed is uploaded, too.
   * @default `read`
   */
  mode: choice(['read', 'read-write']),
  /** Sent to the remote cache as `Authorization: Bearer`. */
  token,
  /** A secret of those who share the cache: results are signed with it, and only those are taken. */
  key: secret(text('a text')),
};

export const sharedCacheOptions = options(sharedFields);

/** A cache that others share. */
export interface SharedCacheOptions extends TypeOf<typeof sharedCacheOptions> {}

/** Where results are kept. */
export const cacheOption = either('a folder, false, or { remote }', folder, literal(false), sharedCacheOptions);
export type CacheOption = TypeOf<typeof cacheOption>;

function isRemote(value: unknown): boolean {
  if (typeof value !== 'string' || !/^https?:\/\/[^/]/.test(value) || !URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
