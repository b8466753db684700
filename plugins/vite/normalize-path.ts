import { posix, sep } from 'node:path';

/**
 * A path as Vite writes it, with slashes on every system. Vite's own function would do, but then a Vite that is too old could not
 * even be told so: next to such a one npm leaves no `vite` that this package could import.
 */
export const normalizePath = (path: string): string => posix.normalize(sep === '\\' ? path.replaceAll(sep, '/') : path);
