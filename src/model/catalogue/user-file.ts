import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMissing, readError, UpresError } from '../../errors.js';
import { parsePartialCard, type PartialModelCard } from './card.js';
import type { ModelFormat } from './formats/format.js';
import { formatOf } from './formats/formats.js';
import { externalLocations } from './external-locations.js';
import { cardPaths, externalNames } from './model-files.js';
import { companionPath, readCompanion } from './companion-file.js';

/** A network's file with what lies next to it. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Undefined for ONNX. */
  readonly format: ModelFormat | undefined;
  /** Bytes of the files next to it, by name: weights that an ONNX file keeps outside, or the other files of its format. */
  readonly companions: ReadonlyMap<string, Uint8Array>;
  /** A hash of all of these, and the format. */
  readonly key: string;
}

/** Reads a network's file and what lies next to it. Throws MODEL_NOT_FOUND, MODEL_INVALID, INPUT_UNREADABLE. */
export async function readModelFile(path: string): Promise<ModelFile> {
  const bytes = await read(path);
  if (!bytes) {
    throw new UpresError('MODEL_NOT_FOUND', `There is no file ${path}. Check the path of the network.`, { file: path });
  }
  const sha256 = sha256Of(bytes);
  const format = formatOf(path, bytes);
  const companions = new Map<string, Uint8Array>();
  if (!format) {
    let key = sha256;
    const named = externalLocations(bytes);
    // One file may be named in many ways: "w", "./w", "./././w".
    const known = new Map<string | undefined, Uint8Array>();
    for (const name of externalNames(path, bytes)) {
      const place = companionPath(path, name);
      const read = async (): Promise<Uint8Array | undefined> => known.get(place) ?? readCompanion(path, name);
      const more = await read().catch((error: unknown) => {
        if (named.includes(name)) throw error;
        return undefined;
      });
      // A file that is not there is told of with the weights that it should hold.
      if (!more) continue;
      if (place !== undefined) known.set(place, more);
      companions.set(name, more);
      key += ` ${JSON.stringify(name)} ${sha256Of(more)}`;
    }
    return { bytes, sha256, format, companions, key };
  }
  let key = `${format.name} ${sha256}`;
  for (const name of format.companions(path, bytes)) {
    const companion = join(dirname(path), name);
    const more = await readCompanion(path, name);
    if (!more) {
      throw new UpresError(
        'MODEL_NOT_FOUND',
        `${path} is a part of a network (${format.name}); its other part, ${companion}, is not there. Put it next to it.`,
        { file: path },
      );
    }
    companions.set(name, more);
    key += ` ${JSON.stringify(name)} ${sha256Of(more)}`;
  }
  return { bytes, sha256, format, companions, key };
}

/** The card next to a file, if it is about this very file; otherwise an empty one. Throws MODEL_INVALID. */
export async function readUserCard(path: string, sha256: string): Promise<Partial<PartialModelCard>> {
  for (const cardPath of cardPaths(path)) {
    const bytes = await read(cardPath);
    if (!bytes) continue;
    const text = new TextDecoder().decode(bytes);
    // Many tools write a `model.json` of their own kind: one that does not name the hash is none of ours.
    if (!text.toLowerCase().includes(sha256)) continue;
    const card = parsePartialCard(text, cardPath);
    if (card.sha256 === sha256) return card;
  }
  return {};
}

/** The error for a file that is not the one that was hashed. */
export function changed(path: string): UpresError {
  return new UpresError(
    'MODEL_INVALID',
    `${path} is not the file that its hash names: it was changed or damaged. Restore it, or start again.`,
    { file: path },
  );
}

async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw readError(error, path);
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
