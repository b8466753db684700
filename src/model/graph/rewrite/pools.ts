import { clone } from '@bufbuild/protobuf';
import { neededNodes } from '../analysis/needed-nodes.js';
import type { FoundPool } from '../analysis/pools.js';
import { opsetOf, type OnnxModel } from '../onnx/file.js';
import { GraphWriter } from '../onnx/graph-writer.js';
import { node, tensorInfo } from '../onnx/node.js';
import { ModelProtoSchema, TensorProto_DataType as DataType } from '../onnx/onnx_pb.js';

/**
 * Values are rounded to multiples of 2^-20 before they are summed up, in double precision: a sum of whole numbers below 2^53 is exact,
 * so that it is the same in any order and from any tiles. What rounding changes of a mean is less than what float32 holds of it.
 */
const POOL_UNIT = 2 ** 20;

/** The name of a graph's input or output that stands for a pool's result. */
const poolName = (index: number): string => `pool${index}`;

/** The name of a stage's output that is to be pooled. */
const poolInputName = (index: number): string => `pool${index}_of`;

/**
 * Has a network's means be computed exactly, in place, so that they equal what is put together from tiles.
 */
export function sumExactly(model: OnnxModel, pools: readonly FoundPool[]): void {
  const means = new Map(pools.filter(({ kind }) => kind === 'mean').map((pool) => [pool.output, pool]));
  const writer = new GraphWriter(opsetOf(model), 'means_');
  const { graph } = model;
  graph.node = graph.node.flatMap((candidate) => {
    const pool = means.get(candidate.output[0] ?? '');
    if (!pool) return [candidate];
    const whole = writer.op('Floor', [
      writer.op('Add', [
        writer.op('Mul', [writer.op('Cast', [pool.input], { to: DataType.DOUBLE }), writer.doubles([POOL_UNIT])]),
        writer.doubles([0.5]),
      ]),
    ]);
    const mean = writer.mean(whole, pool.axes, pool.outputShape.length === pool.rank);
    const scaled = writer.op('Div', [mean, writer.doubles([POOL_UNIT])]);
    writer.op('Cast', [scaled], { to: DataType.FLOAT }, pool.output);
    return writer.nodes.splice(0);
  });
  graph.initializer.push(...writer.initializers);
}

/**
 * Cuts a core at its pools: a graph for each stage, `input` and the pools of earlier stages -> what is to be pooled, rows and columns
 * last; and then one for the picture, `input` and all pools -> `output`.
 */
export function cutAtPools(core: OnnxModel, pools: readonly FoundPool[]): OnnxModel[] {
  const stages = Math.max(...pools.map(({ stage }) => stage)) + 1;
  const cut = Array.from({ length: stages }, (_, stage) => {
    const part = partOf(
      core,
      pools.filter((pool) => pool.stage < stage),
    );
    part.graph.output = [];
    pools.forEach((pool, index) => {
      if (pool.stage !== stage) return;
      const name = poolInputName(index);
      const axes = Array.from({ length: pool.rank }, (_, axis) => axis);
      const perm = [...axes.filter((axis) => !pool.axes.includes(axis)), ...pool.axes];
      part.graph.node.push(node('Transpose', [pool.input], [name], { perm }));
      part.graph.output.push(
        tensorInfo(
          name,
          DataType.FLOAT,
          axes.map((axis) => `${name}_${axis}`),
        ),
      );
    });
    return onlyNeeded(part);
  });
  return [...cut, onlyNeeded(partOf(core, pools))];
}

/** A copy of a graph that is given the results of pools. */
function partOf(core: OnnxModel, given: readonly FoundPool[]): OnnxModel {
  const model = clone(ModelProtoSchema, core) as OnnxModel;
  const { graph } = model;
  const names = new Map(given.map(({ output }, index) => [output, poolName(index)]));
  graph.node = graph.node.filter(({ output }) => !names.has(output[0] ?? ''));
  for (const one of graph.node) one.input = one.input.map((name) => names.get(name) ?? name);
  given.forEach(({ outputShape }, index) => {
    graph.input.push(tensorInfo(poolName(index), DataType.FLOAT, outputShape));
  });
  return model;
}

function onlyNeeded(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const outputs = graph.output.map(({ name }) => name);
  graph.node = neededNodes(graph.node, outputs);
  const used = new Set([...outputs, ...graph.node.flatMap(({ input }) => input)]);
  graph.initializer = graph.initializer.filter(({ name }) => used.has(name));
  graph.input = graph.input.filter(({ name }) => name === 'input' || used.has(name));
  return model;
}
