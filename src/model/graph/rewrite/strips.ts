import { create } from '@bufbuild/protobuf';
import { floatsOf, intOf, intsOf, node as makeNode, textOf } from '../onnx/node.js';
import { BLOCKED } from './blocked.js';
import { isExternal, readNumbers } from '../onnx/tensor.js';
import { GraphProtoSchema, type GraphProto, type NodeProto, type TensorProto } from '../onnx/onnx_pb.js';

/** What gives at each place what it makes of that place alone. */
const POINTWISE = new Set(
  (
    'Abs Add BiasGelu Cast Celu Clip Div Elu Erf Exp Gelu HardSigmoid HardSwish Identity LeakyRelu Max Min Mish Mul Neg PRelu QuickGelu ' +
    'Relu Selu Sigmoid Softplus Softsign Sqrt Sub Sum Tanh ThresholdedRelu ReorderInput ReorderOutput'
  ).split(' '),
);

/** Rows of a tensor, in terms of the rows of what is given. */
interface Rows {
  /** Rows for each. */
  readonly scale: number;
  /** Rows that are wrong at an edge beyond which something was left out. */
  readonly margin: number;
}

type Constants = ReadonlyMap<string, TensorProto>;

/**
 * How many rows around a strip must be given to nodes, so that they make of it what they make of all rows.
 * @param given tensors [1, channels, rows, columns], all of one size
 * @returns undefined where a strip can't stand for itself, or that can't be told
 */
export function haloOfStrips(
  nodes: readonly NodeProto[],
  given: readonly string[],
  output: string,
  constants: Constants,
): number | undefined {
  const known = new Map<string, Rows>(given.map((name) => [name, { scale: 1, margin: 0 }]));
  for (const node of nodes) {
    const rows = follow(node, known, constants);
    if (!rows) return undefined;
    known.set(node.output[0]!, rows);
  }
  const last = known.get(output);
  return last && Number.isInteger(last.scale) ? Math.ceil(last.margin) : undefined;
}

function follow(node: NodeProto, known: ReadonlyMap<string, Rows>, constants: Constants): Rows | undefined {
  if (node.output.filter((name) => name !== '').length !== 1) return undefined;
  const taken: Rows[] = [];
  for (const name of node.input) {
    const rows = known.get(name);
    if (rows) taken.push(rows);
    else if (name !== '' && !constants.has(name)) return undefined;
  }
  const [first] = taken;
  if (!first || taken.some(({ scale }) => scale !== first.scale)) return undefined;
  const { scale } = first;
  const margin = Math.max(...taken.map((rows) => rows.margin));
  switch (node.opType) {
    case 'Conv':
    case 'FusedConv': {
      const reach = reachOf(node, known, constants);
      return reach === undefined ? undefined : { scale, margin: margin + reach / scale };
    }
    case 'Upsample':
    case 'Resize': {
      const factor = enlargementOf(node, constants);
      if (factor === undefined) return undefined;
      // The runtime's own takes the pixel above; others may look at those around.
      const reach = node.domain === BLOCKED && textOf(node, 'mode', 'nearest') === 'nearest' ? 0 : 2;
      return { scale: scale * factor, margin: margin + reach / scale };
    }
    case 'DepthToSpace':
      return { scale: scale * intOf(node, 'blocksize', 1), margin };
    case 'Concat':
      return intOf(node, 'axis', 0) === 1 ? { scale, margin } : undefined;
    default: {
      const isInOrder = intOf(node, 'channels_last', 0) === 0;
      return POINTWISE.has(node.opType) && isInOrder && isSameForAllRows(node, constants)
        ? { scale, margin }
        : undefined;
    }
  }
}

/** Rows that a convolution sees on each side; undefined where it does not give a row for each. */
function reachOf(node: NodeProto, known: ReadonlyMap<string, Rows>, constants: Constants): number | undefined {
  // What is added to its result is another matter than what it convolves.
  if (!known.has(node.input[0]!)) return undefined;
  const weights = constants.get(node.input[1] ?? '');
  const rows = intsOf(node, 'kernel_shape')?.[0] ?? Number(weights?.dims[2] ?? 0);
  const [dilation = 1] = intsOf(node, 'dilations') ?? [];
  const [above = 0, , below = 0] = intsOf(node, 'pads') ?? [];
  const isPlain =
    textOf(node, 'auto_pad', 'NOTSET') === 'NOTSET' && (intsOf(node, 'strides') ?? []).every((by) => by === 1);
  return isPlain && above + below === (rows - 1) * dilation ? Math.max(above, below) : undefined;
}

/** By how much rows are enlarged; undefined where it is no whole number, or where what a row is made of depends on where it is. */
function enlargementOf(node: NodeProto, constants: Constants): number | undefined {
  const own = [...(intsOf(node, 'scales') ?? []), ...(floatsOf(node, 'scales') ?? [])];
  const tensor = constants.get(node.input[node.opType === 'Resize' ? 2 : 1] ?? '');
  const scales = own.length === 0 && tensor && !isExternal(tensor) ? [...readNumbers(tensor)] : own;
  const [batch, channels, rows = 0] = scales;
  const isSimple =
    batch === 1 &&
    channels === 1 &&
    Number.isInteger(rows) &&
    rows > 0 &&
    ['asymmetric', 'half_pixel', 'pytorch_half_pixel'].includes(
      textOf(node, 'coordinate_transformation_mode', 'half_pixel'),
    ) &&
    intOf(node, 'antialias', 0) === 0;
  // Places between pixels are exact in binary fractions alone.
  const isExact = textOf(node, 'mode', 'nearest') === 'nearest' || Number.isInteger(Math.log2(rows));
  return isSimple && isExact ? rows : undefined;
}

/** Whether the constants that a node takes have but one row. */
const isSameForAllRows = (node: NodeProto, constants: Constants): boolean =>
  node.input.every((name) => {
    const dims = constants.get(name)?.dims ?? [];
    return dims.length <= 4 && (dims.at(-2) ?? 1n) === 1n;
  });

/**
 * Brings tensors that lie in blocks of channels in the usual order where some nodes begin, and back: of these, rows can be taken.
 * @param after the nodes that are to get them
 * @param channelsOf a tensor
 * @returns what the tensors are called in the usual order, where they were not in it
 */
export function inRows(
  graph: GraphProto,
  after: ReadonlySet<NodeProto>,
  tensors: readonly string[],
  channelsOf: (name: string) => number,
): { readonly graph: GraphProto; readonly names: ReadonlyMap<string, string> } {
  const blocked = blockedTensors(graph.node);
  const names = new Map<string, string>();
  const again = new Map<string, string>();
  const between: NodeProto[] = [];
  const add = (opType: string, input: string, output: string, channels?: number): void => {
    const node = makeNode(opType, [input], [output], { channels, channels_last: 0 });
    node.domain = BLOCKED;
    between.push(node);
  };
  for (const [index, name] of tensors.filter((name) => blocked.has(name)).entries()) {
    names.set(name, `upres_rows_${index}`);
    again.set(name, `upres_blocks_${index}`);
    add('ReorderOutput', name, names.get(name)!, channelsOf(name));
    add('ReorderInput', names.get(name)!, again.get(name)!);
  }
  const before = graph.node.filter((node) => !after.has(node));
  const moved = graph.node
    .filter((node) => after.has(node))
    .map((node) => ({ ...node, input: node.input.map((name) => again.get(name) ?? name) }));
  return { graph: create(GraphProtoSchema, { ...graph, node: [...before, ...between, ...moved] }), names };
}

/** Tensors that lie in blocks of channels: what the runtime's own operators give, and what is made of that. */
function blockedTensors(nodes: readonly NodeProto[]): Set<string> {
  const blocked = new Set<string>();
  for (const { domain, opType, input, output } of nodes) {
    if (opType === 'ReorderOutput' || !(domain === BLOCKED || input.some((name) => blocked.has(name)))) continue;
    for (const name of output) blocked.add(name);
  }
  return blocked;
}
