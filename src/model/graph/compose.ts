import { clone } from '@bufbuild/protobuf';
import { tensorInfo } from './onnx/node.js';
import { makeModel, opsetOf, type OnnxModel } from './onnx/file.js';
import { GraphWriter } from './onnx/graph-writer.js';
import { renameTensors } from './onnx/names.js';
import {
  GraphProtoSchema,
  TensorProto_DataType as DataType,
  type NodeProto,
  type TensorProto,
} from './onnx/onnx_pb.js';

/**
 * Runs cores one after another as one network: `input` [1,3,h,w] -> `output` [1,3,h*s,w*s] with s the product of their
 * scales. Between two passes values are limited to 0..1, as they would be if the first pass's picture were stored. A core
 * that appears more than once (the same object) keeps one copy of its weights. All need the same operator set.
 */
export function composeChain(cores: readonly OnnxModel[]): OnnxModel {
  const [first, ...others] = cores;
  if (!first) throw new RangeError('A chain has at least one pass.');
  if (others.length === 0) return first;
  const opset = opsetOf(first);
  if (others.some((core) => opsetOf(core) !== opset)) throw new RangeError('Passes of a chain need one operator set.');

  const distinct = [...new Set(cores)];
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const between = new GraphWriter(opset, 'between_');
  const copied = new Set<OnnxModel>();
  cores.forEach((core, pass) => {
    const graph = clone(GraphProtoSchema, core.graph);
    const constants = new Set(graph.initializer.map(({ name }) => name));
    const last = pass === cores.length - 1;
    renameTensors(graph, (name) => {
      if (constants.has(name)) return `weights${distinct.indexOf(core)}/${name}`;
      if (name === 'input' && pass === 0) return 'input';
      if (name === 'output' && last) return 'output';
      return `pass${pass}/${name}`;
    });
    for (const node of graph.node) node.name &&= `pass${pass}/${node.name}`;
    nodes.push(...graph.node);
    if (!copied.has(core)) initializers.push(...graph.initializer);
    copied.add(core);
    if (!last) {
      between.clip(`pass${pass}/output`, 0, 1, `pass${pass + 1}/input`);
      nodes.push(...between.nodes.splice(0));
    }
  });
  return makeModel({
    opset,
    nodes,
    initializers: [...initializers, ...between.initializers],
    inputs: [tensorInfo('input', DataType.FLOAT, [1, 3, 'height', 'width'])],
    outputs: [tensorInfo('output', DataType.FLOAT, [1, 3, 'out_height', 'out_width'])],
  });
}
