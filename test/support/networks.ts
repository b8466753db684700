import { makeModel, writeOnnx } from '#src/model/graph/onnx/file.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { tensorInfo } from '#src/model/graph/onnx/node.js';
import { TensorProto_DataType as DataType } from '#src/model/graph/onnx/onnx_pb.js';
import { randomNumbers } from './pictures.js';

const opset = 13;

/** A 3×3 convolution with weights of a fixed random sequence, zero padding, and the border that `stride` asks for. */
function convolution(
  writer: GraphWriter,
  input: string,
  from: number,
  to: number,
  { stride = 1, seed = from + to }: { stride?: number; seed?: number } = {},
): string {
  const random = randomNumbers(seed);
  const size = Math.sqrt(1.5 / (from * 9)) * 2;
  const weights = new Float32Array(to * from * 9);
  for (let i = 0; i < weights.length; i++) weights[i] = (random(65536) / 65536 - 0.5) * size;
  return writer.op('Conv', [input, writer.floats(weights, [to, from, 3, 3])], {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    strides: [stride, stride],
  });
}

function finish(writer: GraphWriter): Uint8Array {
  return writeOnnx(
    makeModel({
      opset,
      nodes: writer.nodes,
      initializers: writer.initializers,
      inputs: [tensorInfo('input', DataType.FLOAT, [1, 3, 'height', 'width'])],
      outputs: [tensorInfo('output', DataType.FLOAT, [1, 3, 'out_height', 'out_width'])],
    }),
  );
}

/** A plain ×2 network: `depth` hidden convolutions of `width` channels with ReLU, then a shuffle. */
export function plainNetwork({ width = 16, depth = 2, seed = 1 } = {}): Uint8Array {
  const writer = new GraphWriter(opset, 'n');
  let features = writer.op('Relu', [convolution(writer, 'input', 3, width, { seed })]);
  for (let layer = 0; layer < depth; layer++) {
    features = writer.op('Relu', [convolution(writer, features, width, width, { seed: seed + layer + 1 })]);
  }
  writer.op(
    'DepthToSpace',
    [convolution(writer, features, width, 12, { seed: seed + depth + 1 })],
    { blocksize: 2, mode: 'CRD' },
    'output',
  );
  return finish(writer);
}

/** A ×2 network that computes on half the pixels of each axis. */
export function halvingNetwork(): Uint8Array {
  const writer = new GraphWriter(opset, 'n');
  let features = writer.op('Relu', [convolution(writer, 'input', 3, 48, { stride: 2 })]);
  features = writer.op('Relu', [convolution(writer, features, 48, 48)]);
  features = writer.op('Relu', [convolution(writer, features, 48, 48, { seed: 7 })]);
  writer.op(
    'DepthToSpace',
    [convolution(writer, features, 48, 48, { seed: 8 })],
    { blocksize: 4, mode: 'CRD' },
    'output',
  );
  return finish(writer);
}

/** A network that does not enlarge: the mean of nine pixels. */
export function smoothing(): Uint8Array {
  const writer = new GraphWriter(opset, 'n');
  writer.op('AveragePool', ['input'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, 'output');
  return finish(writer);
}

/** A ×2 network whose every output pixel depends on mean and variance of the whole image. */
export function globalNetwork(): Uint8Array {
  const writer = new GraphWriter(opset, 'n');
  const features = writer.op('Relu', [convolution(writer, 'input', 3, 16)]);
  const [ones, zeros] = [new Float32Array(16).fill(1), new Float32Array(16)];
  const weighted = writer.op('InstanceNormalization', [
    features,
    writer.floats(ones, [16]),
    writer.floats(zeros, [16]),
  ]);
  writer.op('DepthToSpace', [convolution(writer, weighted, 16, 12)], { blocksize: 2, mode: 'CRD' }, 'output');
  return finish(writer);
}

/** A ×2 network that works on a smaller grid inside: blocks of 2×2 pixels, halved once more by a stride, so sizes are multiples of 4. */
export function stridedNetwork(): Uint8Array {
  const writer = new GraphWriter(opset, 'n');
  const blocks = writer.op('SpaceToDepth', ['input'], { blocksize: 2 });
  const features = writer.op('Relu', [convolution(writer, blocks, 12, 32, { stride: 2 })]);
  writer.op('DepthToSpace', [convolution(writer, features, 32, 192)], { blocksize: 8, mode: 'CRD' }, 'output');
  return finish(writer);
}

/** An ONNX file that is no network for images: one number for each image. */
export function classifier(): Uint8Array {
  const writer = new GraphWriter(opset, 'n');
  const pooled = writer.op('GlobalAveragePool', [convolution(writer, 'input', 3, 8)]);
  writer.op('Flatten', [pooled], { axis: 1 }, 'output');
  return writeOnnx(
    makeModel({
      opset,
      nodes: writer.nodes,
      initializers: writer.initializers,
      inputs: [tensorInfo('input', DataType.FLOAT, [1, 3, 'height', 'width'])],
      outputs: [tensorInfo('output', DataType.FLOAT, [1, 8])],
    }),
  );
}
