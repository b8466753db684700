import { readOnnx, writeOnnx } from './onnx/file.js';
import type { ValueInfoProto } from './onnx/onnx_pb.js';

/**
 * Lets a graph take any number of pictures at once: the first dimension of its inputs and outputs becomes free. Whether what
 * lies between them can do that as well is only known once it has been tried.
 */
export function freeBatch(graph: Uint8Array): Uint8Array {
  const model = readOnnx(graph, 'The wrapped network');
  for (const info of [...model.graph.input, ...model.graph.output]) free(info);
  return writeOnnx(model);
}

function free({ type }: ValueInfoProto): void {
  const batch = type?.value.case === 'tensorType' ? type.value.value.shape?.dim[0] : undefined;
  if (batch) batch.value = { case: 'dimParam', value: 'batch' };
}
