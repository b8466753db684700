import type { NodeProto } from '../onnx/onnx_pb.js';
import type { Followed } from './operator.js';
import type { Value } from './value.js';
import { density } from './window.js';

/** Bytes per element by ONNX's number of the type. */
const BYTES: Readonly<Record<number, number>> = {
  1: 4,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 8,
  9: 1,
  10: 2,
  11: 8,
  12: 4,
  13: 8,
  16: 2,
};

/** One output of the node can take the place of its input. */
const IN_PLACE = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Clip',
  'Sigmoid',
  'Tanh',
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Elu',
  'HardSwish',
]);

/**
 * The most bytes of activations per input pixel that are alive at once when the nodes run in order, each tensor freed after
 * its last use. The runtime's own scratch memory comes on top.
 */
export function peakBytes(
  steps: readonly { readonly node: NodeProto; readonly followed: Followed }[],
  values: ReadonlyMap<string, Value>,
  input: string,
  output: string,
): number {
  // A view shares the memory of what it shows: count the origin, for as long as any view of it is used.
  const origin = new Map<string, string>();
  const resolve = (name: string): string => origin.get(name) ?? name;
  const lastUse = new Map<string, number>();
  steps.forEach(({ node, followed }, index) => {
    if (followed.view) origin.set(node.output[0]!, resolve(node.input[0]!));
    for (const name of node.input) lastUse.set(resolve(name), index);
  });
  lastUse.set(resolve(output), Infinity);

  const bytes = (name: string): number => {
    const value = values.get(name);
    return value ? density(value) * (BYTES[value.type] ?? 4) : 0;
  };
  const alive = new Map<string, number>([[input, bytes(input)]]);
  let peak = 0;
  steps.forEach(({ node, followed }, index) => {
    const dying = [...new Set(node.input.map(resolve))].filter(
      (name) => alive.has(name) && lastUse.get(name) === index,
    );
    if (!followed.view) {
      if (IN_PLACE.has(node.opType)) {
        const replaced = dying.find((name) => name !== input && alive.get(name) === bytes(node.output[0]!));
        if (replaced !== undefined) alive.delete(replaced);
      }
      for (const name of node.output) alive.set(name, bytes(name));
    }
    peak = Math.max(
      peak,
      [...alive.values()].reduce((sum, size) => sum + size, 0),
    );
    for (const name of dying) alive.delete(name);
  });
  return peak;
}
