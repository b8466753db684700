import envPaths from 'env-paths';

/**
 * The folder of the user's own where upres keeps what it can make again: `$XDG_CACHE_HOME/upres` or `~/.cache/upres` on Linux,
 * `~/Library/Caches/upres` on macOS, `%LOCALAPPDATA%\upres\Cache` on Windows. `UPRES_CACHE_FOLDER` overrides it.
 */
export function defaultCacheFolder(): string {
  return process.env.UPRES_CACHE_FOLDER ?? envPaths('upres', { suffix: '' }).cache;
}
