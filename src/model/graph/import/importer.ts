import type { PartialModelCard } from '../../catalogue/card.js';
import type { OnnxModel } from '../onnx/file.js';

/** A model as it lies on disk: its main file, and the files next to it that belong to it. */
export interface ModelFiles {
  /** Path of the main file, for messages. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Contents of the other files, by the name that `companions` gave. */
  readonly companions: ReadonlyMap<string, Uint8Array>;
}

/** What a file became. */
export interface Imported {
  readonly model: OnnxModel;
  /** What the file itself tells of the network. */
  readonly card: Partial<PartialModelCard>;
}

/** Reads one foreign format. Importers never allocate what a file merely claims, and never crash or hang on damaged files. */
export interface Importer {
  /**
   * For formats that are compressed: what `convert` is to be given instead of the files as they are.
   * @throws MODEL_INVALID
   */
  unpack?(files: ModelFiles): Promise<ModelFiles>;
  /**
   * Converts to ONNX.
   * @throws MODEL_INVALID for a damaged file, MODEL_UNSUPPORTED for a layer that is not known: naming the layer and the byte
   *   offset
   */
  convert(files: ModelFiles): Imported;
}
