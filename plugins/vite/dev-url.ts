import { posix, resolve, sep } from 'node:path';
import type { ResolvedConfig } from 'vite';
import { normalizePath } from './normalize-path.js';

/** The URL of a file in the development server, without a query: under the base, `public/` at its root, others by `/@fs/`. */
export function devUrl(config: ResolvedConfig, file: string): string {
  const { origin = '' } = config.server;
  const path = encodeURI(pathOf(config, normalizePath(file))).replace(/[?#]/g, encodeURIComponent);
  return origin + posix.join(config.base, path);
}

function pathOf({ root, publicDir }: ResolvedConfig, file: string): string {
  for (const folder of [publicDir, root]) {
    if (folder !== '' && file.startsWith(`${normalizePath(folder)}/`)) return file.slice(normalizePath(folder).length);
  }
  return posix.join('/@fs/', file);
}

/**
 * The file behind a path of the development server, which may not exist.
 * @param pathname without the base, encoded as it was sent
 * @returns undefined for a path that can't be decoded or leads nowhere; candidates in the order in which Vite looks
 */
export function devFiles({ root, publicDir }: ResolvedConfig, pathname: string): string[] {
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return [];
  }
  if (path.includes('\0') || !path.startsWith('/')) return [];
  if (path.startsWith('/@fs/')) return [normalizePath(resolve(path.slice('/@fs'.length)))];
  const within = (folder: string): string[] => {
    const file = resolve(folder, `.${path}`);
    return file.startsWith(folder.endsWith(sep) ? folder : folder + sep) ? [normalizePath(file)] : [];
  };
  return [...(publicDir === '' ? [] : within(publicDir)), ...within(root)];
}
