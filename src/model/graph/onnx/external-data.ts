import type { Message } from '@bufbuild/protobuf';
import { UpresError } from '../../../errors.js';
import type { OnnxModel } from './file.js';
import { TensorProto_DataLocation, type GraphProto, type TensorProto } from './onnx_pb.js';
import { isExternal } from './tensor.js';

/** How many times all that lies in other files may be used: tensors may share it, but a small file must not become a large one. */
const MOST_SHARED = 4;

/**
 * Brings weights that lie in other files into the model, in place. `files` are the bytes of these, by the names that the model has for them.
 * Throws MODEL_UNSUPPORTED for files that are not there and for other places that name one: the runtime would look for it in the
 * process's working directory. Throws MODEL_INVALID for a range outside of a file.
 */
export function embedExternalData(model: OnnxModel, files: ReadonlyMap<string, Uint8Array>, name: string): void {
  const stored = [...new Set(files.values())].reduce((sum, { length }) => sum + length, 0);
  let used = 0;
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
    used += length;
    if (used > MOST_SHARED * stored) {
      throw new UpresError('MODEL_INVALID', `The weights of ${name} share those in "${location}" too often.`, {
        file: name,
      });
    }
    tensor.rawData = Uint8Array.from(bytes.subarray(start, start + length));
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT;
    tensor.externalData = [];
  }
  if (namesOtherFiles(model)) {
    throw new UpresError(
      'MODEL_UNSUPPORTED',
      `${name} keeps values inside of its nodes in another file, which is not read. Export it again with all weights inside ` +
        '(PyTorch: external_data=False; onnx: onnx.save(onnx.load(path), path)).',
      { file: name },
    );
  }
}

/** Whether a file is named anywhere but in the weights of the graph itself: in constants, branches, functions, sparse weights. */
function namesOtherFiles(model: OnnxModel): boolean {
  if (mentionsFile(model)) return true;
  const graphs: GraphProto[] = [model.graph];
  for (const graph of graphs) {
    if (mentionsFile(graph) || graph.initializer.some(isExternal)) return true;
    for (const attribute of graph.node.flatMap((node) => node.attribute)) {
      const tensors: TensorProto[] = attribute.t ? [attribute.t, ...attribute.tensors] : attribute.tensors;
      if (mentionsFile(attribute) || tensors.some(isExternal)) return true;
      graphs.push(...(attribute.g ? [attribute.g] : []), ...attribute.graphs);
    }
  }
  return false;
}

/** Whether parts that are not read here have an entry called "location", with its length before it. */
const mentionsFile = ({ $unknown = [] }: Message): boolean =>
  $unknown.some(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.length).includes('\x08location'));
