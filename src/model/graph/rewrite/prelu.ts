import { float, hasInnerGraphs, intOf, node, tensorOf } from '../onnx/node.js';
import type { OnnxModel } from '../onnx/file.js';
import type { GraphProto, NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import { tensorNames } from '../onnx/names.js';
import { floatTensor, isExternal, readFloats } from '../onnx/tensor.js';

/**
 * Replaces PReLU by operators that the runtime computes in its blocked channel layout, in place. PReLU itself is not such an
 * operator, and costs two changes of layout per layer: a third of the speed of networks that use it.
 *
 * With one slope for all channels it is a LeakyRelu. Otherwise PReLU(x) = a x + (1 - a) relu(x), and where a <= 1 the factor
 * goes into the ReLU: a x + relu((1 - a) x), two depthwise 1x1 convolutions of which the runtime fuses one with the ReLU and
 * the other with the sum. Where a > 1 that holds with the sign changed: -PReLU(x) = -x + relu((1 - a) x); the convolutions
 * that come next have their weights for such a channel negated. Where something else comes next, ReLU stands for itself.
 */
export function rewritePrelu(model: OnnxModel): void {
  const { graph } = model;
  const fresh = namer(graph);
  /** What signs the weights of a convolution: it comes right before it, after what makes the weights. */
  const signing = new Map<NodeProto, NodeProto[]>();
  graph.node = graph.node.flatMap((candidate) => {
    const slopes = candidate.opType === 'PRelu' ? slopesOf(graph, candidate) : undefined;
    if (!slopes) return [...(signing.get(candidate) ?? []), candidate];
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
    const rests = slopes.map((slope) => 1 - slope);
    const negated = negateForNext(graph, output, slopes, fresh);
    if (negated) {
      for (const [reader, product] of negated) signing.set(reader, [...(signing.get(reader) ?? []), product]);
      const whole = depthwise(
        input,
        'slope',
        slopes.map((slope) => (slope > 1 ? -1 : slope)),
      );
      const rest = depthwise(input, 'rest', rests);
      const bent = node('Relu', [rest.output[0]!], [fresh(`${output}/relu`)]);
      return [rest, bent, whole, node('Add', [whole.output[0]!, bent.output[0]!], [output])];
    }
    const positive = node('Relu', [input], [fresh(`${output}/relu`)]);
    const whole = depthwise(input, 'slope', slopes);
    const rest = depthwise(positive.output[0]!, 'rest', rests);
    return [positive, whole, rest, node('Add', [whole.output[0]!, rest.output[0]!], [output])];
  });
  dropUnused(graph);
}

/** Makes names that the graph does not have yet. */
function namer(graph: GraphProto): (hint: string) => string {
  const names = tensorNames(graph);
  return (hint) => {
    let name = hint;
    for (let count = 0; names.has(name); count++) name = `${hint}_${count}`;
    names.add(name);
    return name;
  };
}

/**
 * Has the convolutions that read a tensor negate the weights of the channels whose slope is over 1. The runtime computes the
 * products once, when it optimises the graph.
 * @returns for each of them the node that does so; undefined, with nothing changed, where a channel would have to be negated and something else
 *   reads the tensor
 */
function negateForNext(
  graph: GraphProto,
  tensor: string,
  slopes: Float32Array,
  fresh: (hint: string) => string,
): ReadonlyMap<NodeProto, NodeProto> | undefined {
  if (slopes.every((slope) => slope <= 1)) return new Map();
  if (graph.output.some(({ name }) => name === tensor)) return undefined;
  // The graphs inside of nodes may read any tensor of this one.
  if (hasInnerGraphs(graph)) return undefined;
  const readers = graph.node.filter(({ input }) => input.includes(tensor));
  if (!readers.every((reader) => isDense(reader) && reader.input.lastIndexOf(tensor) === 0)) return undefined;
  const signs = fresh(`${tensor}/signs`);
  const values = slopes.map((slope) => (slope > 1 ? -1 : 1));
  graph.initializer.push(floatTensor(signs, [1, slopes.length, 1, 1], values));
  return new Map(
    readers.map((reader) => {
      const weights = reader.input[1]!;
      reader.input[1] = fresh(`${weights}/signed`);
      return [reader, node('Mul', [weights, signs], [reader.input[1]])];
    }),
  );
}

/** Whether a node is a convolution that reads all channels for each of its own: its weights are `[out, in, height, width]`. */
function isDense(reader: NodeProto): boolean {
  return reader.opType === 'Conv' && intOf(reader, 'group', 1) === 1;
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
