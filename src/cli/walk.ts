import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/** What a walk reports: a file, relative to where it began, or a folder that could not be read. */
export type Found = { readonly file: string } | { readonly folder: string; readonly cause: unknown };

/**
 * The files in a folder and in its folders, in the order of their names, without hidden ones and `node_modules`. Links are
 * followed, each folder once, so a link to a parent doesn't go round for ever.
 */
export async function* walk(root: string): AsyncGenerator<Found> {
  yield* walkFolder(root, '', new Set());
}

async function* walkFolder(root: string, folder: string, seen: Set<string>): AsyncGenerator<Found> {
  let entries;
  try {
    const real = await realpath(path.join(root, folder));
    if (seen.has(real)) return;
    seen.add(real);
    entries = await readdir(real, { withFileTypes: true });
  } catch (cause) {
    yield { folder, cause };
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const relative = path.join(folder, entry.name);
    // A link that leads nowhere is neither.
    const kind = entry.isSymbolicLink() ? await stat(path.join(root, relative)).catch(() => undefined) : entry;
    if (kind?.isDirectory()) yield* walkFolder(root, relative, seen);
    else if (kind?.isFile()) yield { file: relative };
  }
}
