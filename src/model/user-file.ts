import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UpresError } from '../errors.js';
import { parsePartialCard, type PartialModelCard } from './card.js';

/** An ONNX file with the weights that lie in files beside it. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Bytes of the files beside it, by name. */
  readonly external: ReadonlyMap<string, Uint8Array>;
  /** A hash of all of these. */
  readonly key: string;
}

/** How exporters name the file of weights that is too large for, or was asked to be kept out of, the ONNX file. */
const EXTERNAL_SUFFIXES = ['.data', '_data'];

/** Reads an ONNX file and what lies beside it. Throws MODEL_NOT_FOUND, INPUT_UNREADABLE. */
export async function readModelFile(path: string): Promise<ModelFile> {
  const bytes = await read(path);
  if (!bytes) {
    throw new UpresError('MODEL_NOT_FOUND', `There is no file ${path}. Check the path of the ONNX file.`, {
      file: path,
    });
  }
  const sha256 = sha256Of(bytes);
  const external = new Map<string, Uint8Array>();
  let key = sha256;
  for (const suffix of EXTERNAL_SUFFIXES) {
    const beside = await read(path + suffix);
    if (!beside) continue;
    external.set(basename(path) + suffix, beside);
    key += ` ${suffix} ${sha256Of(beside)}`;
  }
  return { bytes, sha256, external, key };
}

/** The `model.json` in a file's folder, if it is about this very file; otherwise an empty card. Throws MODEL_INVALID. */
export async function readUserCard(path: string, sha256: string): Promise<Partial<PartialModelCard>> {
  const cardPath = join(dirname(path), 'model.json');
  const bytes = await read(cardPath);
  if (!bytes) return {};
  const text = new TextDecoder().decode(bytes);
  // Many tools write a `model.json` of their own kind: one that does not name the hash is none of ours.
  if (!text.includes(sha256)) return {};
  const card = parsePartialCard(text, cardPath);
  return card.sha256 === sha256 ? card : {};
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
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new UpresError(
      'INPUT_UNREADABLE',
      `${path} can't be read (${code ?? 'unknown reason'}). Check its permissions.`,
      {
        file: path,
        cause: error,
      },
    );
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
