import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { companionPath } from './companion-file.js';
import { externalLocations } from './external-locations.js';
import { formatOf } from './formats/formats.js';

/**
 * The files that decide what a network's file computes: itself, the files next to it that its format spreads over, and its
 * card. All but the first may be absent.
 */
export function modelFiles(path: string): string[] {
  return [...new Set([path, ...companions(path), ...cardPaths(path)])];
}

/** A text that changes when one of these files does, without reading them: for what is cached from one look to the next. */
export async function modelStamp(path: string): Promise<string> {
  const stamps = modelFiles(path).map(async (file) => {
    const { mtimeMs, ctimeMs, size } = await stat(file).catch(() => ({ mtimeMs: 0, ctimeMs: 0, size: -1 }));
    return [mtimeMs, ctimeMs, size].join(' ');
  });
  return [path, ...(await Promise.all(stamps))].join('\n');
}

/** How exporters name the file of weights that is too large for, or was asked to be kept out of, the ONNX file. */
const EXTERNAL_SUFFIXES = ['.data', '_data'];

/** The files next to an ONNX file that may hold weights of it: those that it names, and those that are called so. */
export function externalNames(path: string, bytes: Uint8Array): string[] {
  return [...new Set([...externalLocations(bytes), ...EXTERNAL_SUFFIXES.map((suffix) => basename(path) + suffix)])];
}

/** Which files a network's file names: asked for at every picture, and known as long as that file stays as it is. */
const known = new Map<string, readonly string[]>();

function companions(path: string): readonly string[] {
  try {
    const { mtimeMs, ctimeMs, size } = statSync(path);
    const id = [path, mtimeMs, ctimeMs, size].join('\n');
    let found = known.get(id);
    if (!found) {
      const bytes = readFileSync(path);
      const format = formatOf(path, bytes);
      const names = format ? format.companions(path, bytes) : externalNames(path, bytes);
      found = names.flatMap((name) => companionPath(path, name) ?? []);
      known.set(id, found);
    }
    return found;
  } catch {
    // Not there, or damaged: whoever loads it will say so.
    return [];
  }
}

/**
 * Where the card of a user's file may lie, the first that is about the file being taken: `<name>.card.json`, for folders with
 * several networks and next to a TensorFlow.js `model.json`; and `model.json`.
 */
export function cardPaths(path: string): string[] {
  const folder = dirname(path);
  const own = join(folder, `${basename(path, extname(path))}.card.json`);
  const shared = join(folder, 'model.json');
  return shared === join(folder, basename(path)) ? [own] : [own, shared];
}
