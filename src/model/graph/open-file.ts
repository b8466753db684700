import type { ModelFile } from '../catalogue/user-file.js';
import type { Imported } from './import/importer.js';
import { importers } from './import/importers.js';
import { embedExternalData } from './onnx/external-data.js';
import { readOnnx } from './onnx/file.js';

/** Reads a network's graph from its file, whatever its format. Throws MODEL_INVALID, MODEL_UNSUPPORTED. */
export async function openModelFile(path: string, { format, bytes, companions }: ModelFile): Promise<Imported> {
  if (format) {
    const importer = importers[format.name];
    const files = { path, bytes, companions };
    return importer.convert(importer.unpack ? await importer.unpack(files) : files);
  }
  const model = readOnnx(bytes, path);
  embedExternalData(model, companions, path);
  return { model, card: {} };
}
