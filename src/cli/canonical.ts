import { realpath } from 'node:fs/promises';
import path from 'node:path';

/**
 * One spelling for each file, whichever way through links leads to its folder; the file and its last folders need not exist.
 * The file itself may be a link and is not followed: writing replaces the link. For many files, whose folders are looked at once.
 */
export function canonicalPaths(): (file: string) => Promise<string> {
  const folders = new Map<string, Promise<string>>();
  return async (file) => {
    const absolute = path.resolve(file);
    const folder = path.dirname(absolute);
    if (folder === absolute) return absolute;
    const canonical = folders.get(folder) ?? canonicalFolder(folder);
    folders.set(folder, canonical);
    return path.join(await canonical, path.basename(absolute));
  };
}

async function canonicalFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    const parent = path.dirname(folder);
    return parent === folder ? folder : path.join(await canonicalFolder(parent), path.basename(folder));
  }
}

/** Whether `file` is `folder` or lies in it; both absolute. */
export function isInside(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative === '' || (relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative));
}
