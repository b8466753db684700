import { UpresError } from '../../errors.js';
import { choice, either, literal, options, secret, text, type Schema, type TypeOf } from '../../schema.js';

const folder = text('a folder');
/** What a header can carry: of anything else `fetch` would say all of it. */
const token = secret(text('a text of one line, as a header can carry it', { pattern: /^[\t\x20-\x7e\x80-\xff]+\s*$/ }));
const remotePattern = /^(?:https?|s3|rediss?):\/\/[^/]/i;
/** A secret, too: it may hold a password. */
const remote: Schema<string> = secret({
  ...text('a URL that begins with https://, http://, s3://, redis:// or rediss://', { pattern: remotePattern }),
  accepts: isRemote,
});
export const sharedFields = {
  /**
   * Where results lie that others share: `https://cache.example.com/upres/`, `s3://bucket/prefix` (with `?endpoint=…` for servers other than
   * Amazon's, and `&region=…`) or `redis://host:6379/0`.
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
  /** Sent to a remote cache over HTTP as `Authorization: Bearer`. */
  token,
  /** A secret of those who share the cache: results are signed with it, and only those are taken. */
  key: secret(text('a text')),
};

export const sharedCacheOptions = options(sharedFields);

/** A cache that others share. */
export interface SharedCacheOptions extends TypeOf<typeof sharedCacheOptions> {}

/** What the environment says of a remote cache: a CI names it once for all tools. */
export const cacheVariables = {
  remote: 'UPRES_REMOTE_CACHE',
  mode: 'UPRES_REMOTE_CACHE_MODE',
  token: 'UPRES_REMOTE_CACHE_TOKEN',
  key: 'UPRES_REMOTE_CACHE_KEY',
} as const;

/** Where results are kept. */
export const cacheOption = either('a folder, false, or { remote }', folder, literal(false), sharedCacheOptions);
export type CacheOption = TypeOf<typeof cacheOption>;

/**
 * For tools whose host writes options into what it builds.
 * @param host its name
 * @throws BAD_ARGUMENT where they hold a secret
 */
export function refuseSecrets(cache: CacheOption | undefined, host: string): void {
  if (typeof cache !== 'object') return;
  const { remote: url, token: bearer, key } = cache;
  const { username, password } = url === undefined ? { username: '', password: '' } : new URL(url);
  const name = bearer !== undefined ? 'token' : key !== undefined ? 'key' : username + password && 'remote';
  if (!name) return;
  throw new UpresError(
    'BAD_ARGUMENT',
    `cache.${name} would be written into what ${host} builds: leave it out, and set ${cacheVariables[name]} in the environment`,
  );
}

function isRemote(value: unknown): boolean {
  if (typeof value !== 'string' || !remotePattern.test(value) || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  // Who asks for a bucket is known from the environment.
  if (protocol === 's3:' && username + password !== '') return false;
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
