import { makeModel, writeOnnx } from '#src/model/graph/onnx/file.js';
import type { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { tensorInfo } from '#src/model/graph/onnx/node.js';
import { TensorProto_DataType as DataType } from '#src/model/graph/onnx/onnx_pb.js';

/** The file of a network of colours from `input` to `output`, of any size. */
export function imageNetwork({ nodes, initializers }: GraphWriter, opset: number): Uint8Array {
  return writeOnnx(
    makeModel({
      opset,
      nodes,
      initializers,
      inputs: [tensorInfo('input', DataType.FLOAT, [1, 3, 'height', 'width'])],
      outputs: [tensorInfo('output', DataType.FLOAT, [1, 3, 'out_height', 'out_width'])],
    }),
  );
}
