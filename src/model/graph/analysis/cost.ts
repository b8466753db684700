import { intOf, intsOf, floatsOf } from '../onnx/node.js';
import {
  TensorProto_DataType as DataType,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from '../onnx/onnx_pb.js';
import { readNumbers, sizeOf, isExternal } from '../onnx/tensor.js';

/** What is known of a tensor without following shapes. */
export interface TensorCost {
  /** Places for an input pixel: 1 for a tensor of the picture's size. */
  readonly area: number;
  /** Values for an input pixel. */
  readonly elements: number;
  /** Element type as ONNX numbers it. */
  readonly type: number;
}

/** What a graph's nodes cost, and its tensors hold. */
export interface GraphCosts {
  /** Multiply-accumulates for an input pixel. */
  readonly ofNode: (node: NodeProto) => number;
  readonly ofTensor: (name: string) => TensorCost;
  /** Nodes whose results depend on the size of the graph's inputs, and on nothing else of them. */
  readonly ofSizeAlone: ReadonlySet<NodeProto>;
}

const NOTHING: TensorCost = { area: 0, elements: 0, type: DataType.FLOAT };

/** Types of what some operators give, whatever they take. */
const TYPES: Readonly<Record<string, number | undefined>> = {
  ...Object.fromEntries(['Shape', 'Size', 'NonZero', 'ArgMax', 'ArgMin'].map((name) => [name, DataType.INT64])),
  ...Object.fromEntries(
    'And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor'
      .split(' ')
      .map((name) => [name, DataType.BOOL]),
  ),
  // Of numbers with a sign too: what matters is that they are no floats.
  ...Object.fromEntries(
    'QuantizeLinear DynamicQuantizeLinear QLinearConv QLinearMatMul QLinearAdd QLinearMul QLinearConcat QLinearLeakyRelu QLinearSigmoid'
      .split(' ')
      .map((name) => [name, DataType.UINT8]),
  ),
  ConvInteger: DataType.INT32,
  MatMulInteger: DataType.INT32,
  DequantizeLinear: DataType.FLOAT,
};

/**
 * Estimates what a graph costs from its weights, its strides and its enlargements alone: that holds for what a runtime's optimiser made of it
 * as well, whose operators can't be followed. Products of two tensors (attention) count nothing, enlargements by sizes that are computed
 * count as none.
 */
export function costsOf(graph: GraphProto): GraphCosts {
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const tensors = new Map<string, TensorCost>();
  for (const { name, type } of graph.input) {
    const elemType = type?.value.case === 'tensorType' ? type.value.value.elemType : DataType.FLOAT;
    tensors.set(name, { area: 1, elements: 3, type: elemType });
  }
  const inputs = new Set(tensors.keys());
  const sized = new Set<string>();
  const ofSizeAlone = new Set<NodeProto>();
  const macs = new Map<NodeProto, number>();
  for (const node of graph.node) {
    const asks = node.opType === 'Shape' && inputs.has(node.input[0] ?? '');
    const varying = node.input.filter((name) => name !== '' && !constants.has(name));
    if (asks || varying.every((name) => sized.has(name))) {
      ofSizeAlone.add(node);
      for (const name of node.output) sized.add(name);
    }
    const { mac, ...result } = costOf(node, tensors, constants);
    macs.set(node, mac);
    for (const name of node.output) tensors.set(name, result);
  }
  return {
    ofNode: (node) => macs.get(node) ?? 0,
    ofTensor: (name) => tensors.get(name) ?? NOTHING,
    ofSizeAlone,
  };
}

type NodeCost = TensorCost & { readonly mac: number };

function costOf(
  node: NodeProto,
  tensors: ReadonlyMap<string, TensorCost>,
  constants: ReadonlyMap<string, TensorProto>,
): NodeCost {
  const taken = node.input.flatMap((name) => tensors.get(name) ?? []);
  const first = taken[0] ?? NOTHING;
  const area = Math.max(0, ...taken.map((tensor) => tensor.area));
  const elements = Math.max(0, ...taken.map((tensor) => tensor.elements));
  const type = typeOf(node, tensors, constants);
  const weights = constants.get(node.input[1] ?? '')?.dims.map(Number) ?? [];
  switch (node.opType) {
    case 'Conv':
    case 'FusedConv': {
      const places = first.area / product(intsOf(node, 'strides') ?? []);
      return { area: places, elements: places * (weights[0] ?? 0), type, mac: places * product(weights) };
    }
    case 'ConvTranspose': {
      const places = first.area * product(intsOf(node, 'strides') ?? []);
      const channels = (weights[1] ?? 0) * intOf(node, 'group', 1);
      return { area: places, elements: places * channels, type, mac: first.area * product(weights) };
    }
    case 'MatMul':
    case 'FusedMatMul':
    case 'Gemm': {
      const [rows = 0, columns = 0] = intOf(node, 'transB', 0) === 1 ? weights.slice(-2).reverse() : weights.slice(-2);
      if (rows === 0) return { area, elements, type, mac: 0 };
      return { area, elements: (first.elements / rows) * columns, type, mac: first.elements * columns };
    }
    case 'Resize':
    case 'Upsample': {
      const times = enlargementOf(node, constants);
      return { area: area * times, elements: elements * times, type, mac: 0 };
    }
    case 'DepthToSpace':
    case 'SpaceToDepth': {
      const times = intOf(node, 'blocksize', 1) ** 2;
      return { area: node.opType === 'DepthToSpace' ? area * times : area / times, elements, type, mac: 0 };
    }
    case 'MaxPool':
    case 'AveragePool': {
      const times = product(intsOf(node, 'strides') ?? []);
      return { area: area / times, elements: elements / times, type, mac: 0 };
    }
    case 'GlobalAveragePool':
    case 'GlobalMaxPool':
      return { ...NOTHING, mac: 0 };
    case 'Concat':
      return { area, elements: taken.reduce((sum, tensor) => sum + tensor.elements, 0), type, mac: 0 };
    case 'Split':
      return { area, elements: elements / node.output.length, type, mac: 0 };
    default:
      return { area, elements, type, mac: 0 };
  }
}

/** What it gives, as far as is told by its name; else what it takes. */
function typeOf(
  node: NodeProto,
  tensors: ReadonlyMap<string, TensorCost>,
  constants: ReadonlyMap<string, TensorProto>,
): number {
  if (node.opType === 'Cast') return intOf(node, 'to', DataType.FLOAT);
  const known = TYPES[node.opType];
  if (known !== undefined) return known;
  const taken = node.opType === 'Where' ? node.input.slice(1) : node.input;
  const [type] = taken.flatMap((name) => tensors.get(name)?.type ?? constants.get(name)?.dataType ?? []);
  return type ?? DataType.FLOAT;
}

/** Pixels for each pixel. */
function enlargementOf(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): number {
  const own = intsOf(node, 'scales') ?? [];
  if (own.length > 0) return product(own);
  const floats = floatsOf(node, 'scales') ?? [];
  if (floats.length > 0) return product(floats);
  const tensor = constants.get(node.input[node.opType === 'Resize' ? 2 : 1] ?? '');
  return tensor && !isExternal(tensor) && sizeOf(tensor.dims) > 0 ? product([...readNumbers(tensor)]) : 1;
}

const product = (factors: readonly number[]): number => factors.reduce((all, factor) => all * factor, 1);
