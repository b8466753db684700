import { node, tensorInfo } from '../onnx/node.js';
import { readOnnx, writeOnnx } from '../onnx/file.js';
import { TensorProto_DataType as DataType } from '../onnx/onnx_pb.js';

/** Operators by which pixels are compared with pixels. */
const PRODUCTS = new Set(['MatMul', 'Einsum', 'Gemm']);

/** A core that gives the shapes of its matrix products instead of a picture; undefined where it has none. */
export function shapesOfProducts(core: Uint8Array): Uint8Array | undefined {
  const model = readOnnx(core);
  const { graph } = model;
  const products = graph.node.filter(({ opType }) => PRODUCTS.has(opType));
  if (products.length === 0) return undefined;
  graph.output = products.map((_, at) => tensorInfo(`product${at}`, DataType.INT64, ['rank']));
  graph.node.push(...products.map(({ output }, at) => node('Shape', [output[0]!], [`product${at}`])));
  return writeOnnx(model);
}
