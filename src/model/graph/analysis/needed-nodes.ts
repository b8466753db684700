import type { NodeProto } from '../onnx/onnx_pb.js';

/**
 * The nodes that tensors depend on, in the file's order, which is one in which they can be computed.
 * @param given tensors that need not be computed
 */
export function neededNodes(
  nodes: readonly NodeProto[],
  outputs: readonly string[],
  given: ReadonlySet<string> = new Set(),
): NodeProto[] {
  const needed = new Set(outputs);
  const result: NodeProto[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.output.some((name) => needed.has(name) && !given.has(name))) continue;
    node.input.forEach((name) => needed.add(name));
    result.push(node);
  }
  return result.reverse();
}
