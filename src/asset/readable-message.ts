import { relative, sep } from 'node:path';
import { UpresError } from '../errors.js';

/**
 * What went wrong with an asset, as a build's log should have it: which image, with its query, and what is wrong.
 * @param file absolute
 * @param root folder that names are relative to
 */
export function readableMessage(error: unknown, file: string, query: string, root: string): string {
  const message = error instanceof Error ? error.message : String(error);
  // A picture made by hand next to the asset may be the damaged one.
  const about = (error instanceof UpresError ? error.file : undefined) ?? file;
  return `${shown(about, root)}${about === file && query !== '' ? `?${query}` : ''}: ${message}`;
}

/** A path as people know it. */
function shown(file: string, root: string): string {
  const path = relative(root, file);
  return (path.startsWith('..') ? file : path).split(sep).join('/');
}
