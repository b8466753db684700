import type { ModelFormat } from './format.js';
import { objectsIn, parseModel, wrong, type JsonObject } from './tfjs-json.js';

const MAX_SHARDS = 4096;

/** TensorFlow.js layers models: `model.json` with its shards, as UpscalerJS uses them. */
export const tfjsFormat: ModelFormat = {
  name: 'TensorFlow.js layers model',
  accepts: (path, bytes) => path.toLowerCase().endsWith('.json') && mentions(bytes, '"modelTopology"'),
  companions: (path, bytes) => shardNames(path, parseModel(path, bytes)),
};

function mentions(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text);
}

/**
 * Names of the shards, relative to the model's folder.
 * @throws MODEL_INVALID for names that lead out of it
 */
function shardNames(path: string, json: JsonObject): string[] {
  const names = objectsIn(json.weightsManifest).flatMap(({ paths }) =>
    Array.isArray(paths) ? (paths as unknown[]) : [],
  );
  if (names.length > MAX_SHARDS) throw wrong(path, `it names ${names.length} files of weights`);
  // Each once: the same bytes again and again would grow beyond what lies on the disk.
  if (new Set(names).size < names.length) throw wrong(path, 'it names a file of weights twice');
  return names.map((name) => {
    // Plain names and folders below: nothing else is ever written, and a model must not choose which files are read.
    if (typeof name === 'string' && /^(?!\.)[^\\/:\0]+(?:\/(?!\.)[^\\/:\0]+)*$/.test(name)) return name;
    throw wrong(path, `it names a file of weights outside of its folder (${JSON.stringify(name).slice(0, 100)})`);
  });
}
