import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { hasCode, isMissing, readError, UpresError } from '../../errors.js';

/** Opens no link, and waits for no pipe; Windows knows neither flag, and has undefined, which is 0 here. */
const READING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The way from a network's folder to a file that the network names, as parts; undefined where it leads out of the folder. What a
 * file of someone else's says must not choose which of the user's files are read.
 */
function partsInside(name: string): string[] | undefined {
  const parts = name.split('/').filter((part) => part !== '.' && part !== '');
  const leadsOut = name.startsWith('/') || /[\\:\0]/.test(name) || parts.length === 0 || parts.includes('..');
  return leadsOut ? undefined : parts;
}

/** The path of a file that a network names, for watching; undefined where it leads out of the network's folder. */
export function companionPath(model: string, name: string): string | undefined {
  const parts = partsInside(name);
  return parts && join(dirname(model), ...parts);
}

/**
 * Reads a file that a network names: only from the network's own folder and those below it, and never through a link.
 * @param model path of the network's main file
 * @param name as the network writes it
 * @returns undefined where there is none
 * @throws MODEL_UNSUPPORTED for names that lead out of the folder, and links; INPUT_UNREADABLE
 */
export async function readCompanion(model: string, name: string): Promise<Uint8Array | undefined> {
  const refuse = (why: string): UpresError =>
    new UpresError(
      'MODEL_UNSUPPORTED',
      `${model} keeps weights in ${JSON.stringify(name.slice(0, 200))}, ${why}. Put the file itself into the network's folder.`,
      { file: model },
    );
  const parts = partsInside(name);
  if (!parts) throw refuse('which is not inside its folder');
  try {
    let path = await realpath(dirname(model));
    for (const part of parts) {
      path += sep + part;
      if ((await lstat(path)).isSymbolicLink()) throw refuse('which is a link, and links are not followed');
    }
    // Between the look and the opening someone may have changed it.
    const file = await open(path, READING);
    try {
      if (!(await file.stat()).isFile()) throw refuse('which is no file');
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UpresError) throw error;
    if (hasCode(error, 'ELOOP')) throw refuse('which is a link, and links are not followed');
    if (isMissing(error)) return undefined;
    throw readError(error, model);
  }
}
