import { float, node, tensorOf } from '../onnx/node.js';
import type { OnnxModel } from '../onnx/file.js';
import type { GraphProto, NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import { tensorNames } from '../onnx/names.js';
import { floatTensor, isExternal, readFloats } from '../onnx/tensor.js';

/**
 * Replaces PReLU by operators that the runtime computes in its blocked channel layout, in place:
 * PReLU(x) = a x + (1 - a) relu(x), as two depthwise 1x1 convolutions and an Add; with one slope for all channels a LeakyRelu,
 * which is the same function. PReLU itself is not such an operator, and costs two changes of layout per layer: a third of
 * the speed of networks that use it.
 */
export function rewritePrelu(model: OnnxModel): void {
  const { graph } = model;
  const names = tensorNames(graph);
  const fresh = (hint: string): string => {
    let name = hint;
    for (let count = 0; names.has(name); count++) name = `${hint}_${count}`;
    names.add(name);
    return name;
  };
  graph.node = graph.node.flatMap((candidate) => {
    const slopes = candidate.opType === 'PRelu' ? slopesOf(graph, candidate) : undefined;
    if (!slopes) return [candidate];
    const [input = ''] = candidate.input;
    const [output = ''] = candidate.output;
    if (slopes.every((slope) => slope === slopes[0])) {
      return [node('LeakyRelu', [input], [output], { alpha: float(slopes[0] ?? 0) })];
    }
    const depthwise = (from: string, part: string, weights: Float32Array): NodeProto => {
      const name = fresh(`${output}/${part}_weights`);
      graph.initializer.push(floatTensor(name, [weights.length, 1, 1, 1], weights));
      return node('Conv', [from, name], [fresh(`${output}/${part}`)], { group: weights.length, kernel_shape: [1, 1] });
    };
    const positive = node('Relu', [input], [fresh(`${output}/relu`)]);
    const whole = depthwise(input, 'slope', slopes);
    const rest = depthwise(
      positive.output[0]!,
      'rest',
      slopes.map((slope) => 1 - slope),
    );
    return [positive, whole, rest, node('Add', [whole.output[0]!, rest.output[0]!], [output])];
  });
  dropUnused(graph);
}

/** The slopes, if they are constant and one for all channels or one for each channel of an NCHW tensor. */
function slopesOf(graph: GraphProto, { input }: NodeProto): Float32Array | undefined {
  const tensor = constantOf(graph, input[1] ?? '');
  if (!tensor || isExternal(tensor)) return undefined;
  const dims = tensor.dims.map(Number);
  const shape = dims.length === 4 && dims[0] === 1 ? dims.slice(1) : dims;
  const single = dims.every((dim) => dim === 1);
  const perChannel = shape.length === 3 && shape[1] === 1 && shape[2] === 1;
  return single || perChannel ? readFloats(tensor) : undefined;
}

function constantOf(graph: GraphProto, name: string): TensorProto | undefined {
  const initializer = graph.initializer.find((tensor) => tensor.name === name);
  if (initializer) return initializer;
  const producer = graph.node.find(({ opType, output }) => opType === 'Constant' && output[0] === name);
  return producer && tensorOf(producer, 'value');
}

/** Removes constants that no node uses any more. */
function dropUnused(graph: GraphProto): void {
  const initializers = graph.initializer;
  graph.initializer = [];
  // Names that are still used, in the graphs inside of nodes too.
  const used = tensorNames(graph);
  graph.initializer = initializers.filter(({ name }) => used.has(name));
}
