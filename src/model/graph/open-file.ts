import { checkpointFormat } from '../catalogue/formats/checkpoint.js';
import type { FormatName } from '../catalogue/formats/format.js';
import type { ModelFile } from '../catalogue/user-file.js';
import { checkpoint } from './import/checkpoint/importer.js';
import type { Imported, Importer } from './import/importer.js';
import { ncnnImporter } from './import/ncnn.js';
import { rsr } from './import/rsr/importer.js';
import { tfjs } from './import/tfjs/importer.js';
import { embedExternalData } from './onnx/external-data.js';
import { readOnnx } from './onnx/file.js';

/** What reads the graphs of each foreign format. */
const importers: Readonly<Record<FormatName, Importer>> = {
  'TensorFlow.js layers model': tfjs,
  rsr,
  ncnn: ncnnImporter,
  checkpoint,
};

/**
 * The same from bytes alone: ONNX with all its weights, or a checkpoint. Throws MODEL_INVALID, MODEL_UNSUPPORTED.
 */
export function openModelBytes(name: string, bytes: Uint8Array): Imported {
  const companions = new Map<string, Uint8Array>();
  if (checkpointFormat.accepts(name, bytes)) return checkpoint.convert({ path: name, bytes, companions });
  const model = readOnnx(bytes, name);
  embedExternalData(model, companions, name);
  return { model, card: {} };
}

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
