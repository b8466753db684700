import type { Imported, Importer, ModelFiles } from './importer.js';
import { importers } from './importers.js';

/** The importer of a file's format; undefined for ONNX, which needs none. */
export function importerFor(path: string, bytes: Uint8Array): Importer | undefined {
  return importers.find((importer) => importer.accepts(path, bytes));
}

/** Unpacks and converts. Throws MODEL_INVALID, MODEL_UNSUPPORTED. */
export async function importModel(importer: Importer, files: ModelFiles): Promise<Imported> {
  return importer.convert(importer.unpack ? await importer.unpack(files) : files);
}
