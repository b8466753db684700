import { modelFromBytes, modelFromFile, modelFromLabel, type Model } from '../../model/catalogue/model.js';
import type { ModelSource } from '../pool/protocol.js';

/** What a network is, without reading its graph. Throws MODEL_NOT_FOUND, MODEL_INVALID, INPUT_UNREADABLE, BAD_ARGUMENT. */
export function resolveModel(source: ModelSource): Promise<Model> {
  switch (source.kind) {
    case 'label':
      return modelFromLabel(source.label, source.scale);
    case 'file':
      return modelFromFile(source.path, source.colours);
    case 'bytes':
      return modelFromBytes(source.bytes, source.name, source.colours);
  }
}
