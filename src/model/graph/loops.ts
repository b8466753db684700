import { tensorOf } from './onnx/node.js';
import type { GraphProto, NodeProto, TensorProto } from './onnx/onnx_pb.js';
import { readNumbers } from './onnx/tensor.js';

/** How often the body of a loop may be run for one picture: networks repeat layers some ten times, and the runtime can't be stopped. */
const MOST_TURNS = 256;

/** All nodes of a graph, and of the graphs inside them. */
export function* allNodes(graph: GraphProto): Generator<NodeProto> {
  for (const node of graph.node) {
    yield node;
    for (const inner of innerGraphs(node)) yield* allNodes(inner);
  }
}

/**
 * Finds a loop of which the graph itself does not say that it ends soon: how often it runs is no constant, or too large a one,
 * with the loops around it.
 * @param turns how often the graph is run
 * @param outer constants around it
 */
export function endlessLoop(
  { node: nodes, initializer }: GraphProto,
  turns = 1,
  outer: ReadonlyMap<string, TensorProto> = new Map(),
): NodeProto | undefined {
  const constants = new Map(outer);
  for (const tensor of initializer) constants.set(tensor.name, tensor);
  for (const node of nodes) {
    const value = node.opType === 'Constant' ? tensorOf(node, 'value') : undefined;
    if (value) constants.set(node.output[0]!, value);
    let inside = turns;
    if (node.opType === 'Loop') {
      const most = constants.get(node.input[0] ?? '');
      inside *= most ? Math.max(1, readNumbers(most)[0] ?? Infinity) : Infinity;
    }
    if (inside > MOST_TURNS) return node;
    for (const inner of innerGraphs(node)) {
      const found = endlessLoop(inner, inside, constants);
      if (found) return found;
    }
  }
  return undefined;
}

const innerGraphs = ({ attribute }: NodeProto): GraphProto[] =>
  attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
