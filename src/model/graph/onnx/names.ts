import type { GraphProto } from './onnx_pb.js';

/** Renames every tensor of a graph, and of the graphs inside its nodes, in place. Empty names (absent inputs) stay. */
export function renameTensors(graph: GraphProto, rename: (name: string) => string): void {
  const apply = (name: string): string => (name === '' ? '' : rename(name));
  for (const info of [...graph.input, ...graph.output, ...graph.valueInfo]) info.name = apply(info.name);
  for (const tensor of graph.initializer) tensor.name = apply(tensor.name);
  for (const node of graph.node) {
    node.input = node.input.map(apply);
    node.output = node.output.map(apply);
    for (const attribute of node.attribute) {
      if (attribute.g) renameTensors(attribute.g, rename);
      for (const inner of attribute.graphs) renameTensors(inner, rename);
    }
  }
}

/** Every tensor's name in a graph and in the graphs inside its nodes. */
export function tensorNames(graph: GraphProto): Set<string> {
  const names = new Set<string>();
  renameTensors(graph, (name) => {
    names.add(name);
    return name;
  });
  return names;
}
