import { floatsOf, hasInnerGraphs, intOf, intsOf, node as makeNode, textOf } from '../onnx/node.js';
import type { GraphProto, NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import { sizeOf } from '../onnx/tensor.js';

/** Domain of the runtime's own operators, whose tensors lie in blocks of channels. */
export const BLOCKED = 'com.microsoft.nchwc';

/** Channels of a block: 16, 8 or 4, as the processor has it. Of a multiple of the largest none is filled up. */
const channelsOfBlock = 16;

/**
 * What does the same to each value wherever it lies, to the bit. What is approximated in registers of several values (powers, `Erf`) is
 * not among them: the last few of a tensor may come out otherwise, and they are others in another order.
 */
const ORDERLESS = new Set('Abs Add Clip Identity LeakyRelu Max Min Mul Neg Relu Sub Sum'.split(' '));

/** A tensor in blocks of channels. */
interface Blocks {
  readonly name: string;
  readonly channels: number;
}

/**
 * Leaves tensors in blocks of channels where the runtime's optimiser brings them in the usual order for one node that does not mind and back for
 * the next convolution: a scaled residual, and all that is joined to it (in ESRGAN everything but the first block), cost a quarter of the
 * network's time. Rewrites an optimised graph in place; the results are the same to the bit.
 * @returns whether there was anything to change
 */
export function keepBlocks(graph: GraphProto): boolean {
  // The graphs inside of nodes may read any tensor of this one.
  if (hasInnerGraphs(graph)) return false;
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const sizes = sizesOf(graph, constants);
  /** By the name in the usual order. */
  const blocks = new Map<string, Blocks>();
  /** What there need not be a second time. */
  const same = new Map<string, string>();
  const usual = new Set<string>();
  const nodes: NodeProto[] = [];
  const bringInOrder = (name: string): void => {
    const tensor = blocks.get(name);
    if (!tensor || usual.has(name)) return;
    usual.add(name);
    nodes.push(reorder('ReorderOutput', tensor.name, name, { channels: tensor.channels, channels_last: 0 }));
  };
  for (const own of graph.node) {
    const node = { ...own, input: own.input.map((name) => same.get(name) ?? name) };
    const [input = ''] = node.input;
    const [output = ''] = node.output;
    const given = blocks.get(input);
    const inOrder = intOf(node, 'channels_last', 0) === 0;
    if (isReorder(node, 'ReorderOutput') && inOrder && intOf(node, 'channels', 0) % channelsOfBlock === 0) {
      blocks.set(output, { name: input, channels: intOf(node, 'channels', 0) });
    } else if (isReorder(node, 'ReorderInput') && inOrder && given) {
      same.set(output, given.name);
    } else {
      const channels = channelsInBlocks(node, blocks, sizes, constants);
      if (channels === undefined) {
        for (const name of node.input) bringInOrder(name);
        nodes.push(node);
      } else {
        const name = `${output}_in_blocks`;
        blocks.set(output, { name, channels });
        nodes.push({ ...node, input: node.input.map((one) => blocks.get(one)?.name ?? one), output: [name] });
      }
    }
  }
  for (const { name } of graph.output) bringInOrder(name);
  if (same.size === 0) return false;
  graph.node = nodes;
  return true;
}

function reorder(opType: string, input: string, output: string, attributes: Record<string, number>): NodeProto {
  const node = makeNode(opType, [input], [output], attributes);
  node.domain = BLOCKED;
  return node;
}

const isReorder = ({ domain, opType }: NodeProto, which: string): boolean => domain === BLOCKED && opType === which;

/** Channels of what a node makes, where it can do so in blocks as well. */
function channelsInBlocks(
  node: NodeProto,
  blocks: ReadonlyMap<string, Blocks>,
  sizes: ReadonlyMap<string, string>,
  constants: ReadonlyMap<string, TensorProto>,
): number | undefined {
  const isJoining = node.opType === 'Concat' && intOf(node, 'axis', 0) === 1;
  if (node.domain !== '' || node.output.length !== 1 || !(isJoining || ORDERLESS.has(node.opType))) return undefined;
  const channels: number[] = [];
  const places = new Set<string | undefined>();
  for (const name of node.input) {
    const tensor = blocks.get(name);
    if (tensor) {
      channels.push(tensor.channels);
      places.add(sizes.get(name));
    } else if (name !== '' && (isJoining || sizeOf(constants.get(name)?.dims ?? [0]) !== 1)) {
      return undefined;
    }
  }
  if (places.size !== 1 || places.has(undefined)) return undefined;
  if (isJoining) return channels.reduce((sum, one) => sum + one, 0);
  return channels.every((one) => one === channels[0]) ? channels[0] : undefined;
}

/** For each tensor words that are the same where rows and columns are as many; none where that can't be told. */
function sizesOf(graph: GraphProto, constants: ReadonlyMap<string, TensorProto>): Map<string, string> {
  const sizes = new Map<string, string>([['input', '']]);
  for (const node of graph.node) {
    if (ORDERLESS.has(node.opType) && !node.input.every((name) => hasOnePlace(constants.get(name)))) continue;
    const taken = node.input.filter((name) => name !== '' && !constants.has(name)).map((name) => sizes.get(name));
    const [first] = taken;
    if (first === undefined || taken.some((size) => size !== first) || node.output.length !== 1) continue;
    const change = changeOf(node);
    if (change !== undefined) sizes.set(node.output[0]!, `${first}${change}`);
  }
  return sizes;
}

/** Whether a tensor has one row and one column at most, or is no constant. */
const hasOnePlace = (tensor: TensorProto | undefined): boolean =>
  tensor === undefined || (tensor.dims.length <= 4 && tensor.dims.slice(-2).every((size) => size === 1n));

/** What a node does to the number of rows and columns, in words; undefined where that can't be told. */
function changeOf(node: NodeProto): string | undefined {
  switch (node.opType) {
    case 'ReorderInput':
    case 'ReorderOutput':
      return '';
    case 'Concat':
      return intOf(node, 'axis', 0) === 1 ? '' : undefined;
    case 'Conv':
    case 'FusedConv':
    case 'MaxPool':
    case 'AveragePool': {
      const kernel = intsOf(node, 'kernel_shape') ?? [];
      const strides = intsOf(node, 'strides') ?? [1, 1];
      const dilations = intsOf(node, 'dilations') ?? [1, 1];
      const pads = intsOf(node, 'pads') ?? [0, 0, 0, 0];
      const [auto, ceiling] = [textOf(node, 'auto_pad', 'NOTSET'), intOf(node, 'ceil_mode', 0)];
      if (kernel.length !== 2 || auto !== 'NOTSET') return undefined;
      const reach = (axis: number): number => (kernel[axis]! - 1) * dilations[axis]!;
      const isSame = [0, 1].every((axis) => strides[axis] === 1 && reach(axis) === pads[axis]! + pads[axis + 2]!);
      return isSame ? '' : `, window ${[kernel, strides, dilations, pads, ceiling].join(' ')}`;
    }
    case 'Upsample': {
      const scales = [...(intsOf(node, 'scales') ?? []), ...(floatsOf(node, 'scales') ?? [])];
      return scales.length === 4 ? `, times ${scales.join(' ')}` : undefined;
    }
    default:
      return ORDERLESS.has(node.opType) ? '' : undefined;
  }
}
