import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { imageNetwork } from './image-network.js';

/** A ×2 network that repeats pixels and takes, inside, the first picture of a batch only: as if it had been exported for one. */
export function networkOfOne(): Uint8Array {
  const writer = new GraphWriter(13, 'n');
  const first = writer.op('Slice', ['input', writer.ints([0]), writer.ints([1]), writer.ints([0])]);
  const four = writer.op('Concat', [first, first, first, first], { axis: 1 });
  writer.op('DepthToSpace', [four], { blocksize: 2, mode: 'DCR' }, 'output');
  return imageNetwork(writer, 13);
}
