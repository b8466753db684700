import { UpresError } from '../../../errors.js';
import type { OnnxModel } from './file.js';
import { TensorProto_DataLocation } from './onnx_pb.js';
import { isExternal } from './tensor.js';

/**
 * Brings weights that lie in other files into the model, in place. `files` are the bytes of these, by the names that the model has for them.
 * Throws MODEL_UNSUPPORTED for files that are not there, MODEL_INVALID for a range outside of one.
 */
export function embedExternalData(model: OnnxModel, files: ReadonlyMap<string, Uint8Array>, name: string): void {
  for (const tensor of model.graph.initializer) {
    if (!isExternal(tensor)) continue;
    const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
    const location = entries.get('location') ?? '';
    const bytes = files.get(location);
    if (!bytes) {
      throw new UpresError(
        'MODEL_UNSUPPORTED',
        `${name} keeps its weights in another file, "${location}", which is not there. ` +
          'Put it into the same folder and load the network by path, or export again with all weights inside ' +
          '(PyTorch: external_data=False; onnx: onnx.save(onnx.load(path), path)).',
        { file: name },
      );
    }
    const start = Number(entries.get('offset') ?? 0);
    const length = Number(entries.get('length') ?? bytes.length - start);
    if (!(start >= 0 && length >= 0 && start + length <= bytes.length)) {
      throw new UpresError(
        'MODEL_INVALID',
        `The weights "${tensor.name}" of ${name} lie outside of "${location}": that file was cut short or belongs to another network. Export it again.`,
        { file: name },
      );
    }
    tensor.rawData = Uint8Array.from(bytes.subarray(start, start + length));
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT;
    tensor.externalData = [];
  }
}
