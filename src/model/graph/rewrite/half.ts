import {
  type AttributeProto,
  type GraphProto,
  type TensorProto,
  TensorProto_DataType as DataType,
} from '../onnx/onnx_pb.js';
import { floatTensor, readFloats, sizeOf } from '../onnx/tensor.js';

const HALF: number = DataType.FLOAT16;
const isHalf = (type: number): boolean => type === HALF;

/**
 * Turns a float16 network into a float32 one, in place: its weights hold the same values, and it computes with more digits.
 * Processors compute in float32 anyway, and would convert at every operator.
 */
export function widenHalf(graph: GraphProto): void {
  graph.initializer = graph.initializer.map(widenTensor);
  for (const node of graph.node) for (const attribute of node.attribute) widenAttribute(node.opType, attribute);
  for (const { type } of [...graph.input, ...graph.output, ...graph.valueInfo]) {
    if (type?.value.case === 'tensorType' && isHalf(type.value.value.elemType))
      type.value.value.elemType = DataType.FLOAT;
  }
}

function widenAttribute(opType: string, attribute: AttributeProto): void {
  if (attribute.t) attribute.t = widenTensor(attribute.t);
  attribute.tensors = attribute.tensors.map(widenTensor);
  for (const graph of [...(attribute.g ? [attribute.g] : []), ...attribute.graphs]) widenHalf(graph);
  const isType = (opType === 'Cast' && attribute.name === 'to') || attribute.name === 'dtype';
  if (isType && isHalf(Number(attribute.i))) attribute.i = BigInt(DataType.FLOAT);
}

function widenTensor(tensor: TensorProto): TensorProto {
  if (!isHalf(tensor.dataType)) return tensor;
  // An empty tensor (the unused region of a Resize) has nothing to convert.
  const values = sizeOf(tensor.dims) === 0 ? [] : readFloats(tensor);
  return floatTensor(tensor.name, tensor.dims.map(Number), values);
}
