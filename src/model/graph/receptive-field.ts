import { CONSTANTS, constantValue } from './analysis/constant.js';
import { CUTS } from './analysis/cut.js';
import { ELEMENTWISE } from './analysis/elementwise.js';
import { foldConstants } from './analysis/fold.js';
import type { Followed, OperatorContext, Operators, Step } from './analysis/operator.js';
import { haloOf } from './analysis/halo.js';
import { peakBytes } from './analysis/memory.js';
import { neededNodes } from './analysis/needed-nodes.js';
import { findPools, type FoundPools } from './analysis/pools.js';
import { lcm, ONE } from './analysis/rational.js';
import { REDUCTIONS } from './analysis/reduce.js';
import { RESHAPES } from './analysis/reshape.js';
import { RESIZES } from './analysis/resize.js';
import { ALONG, CannotFollow, Contradiction, shapeOf, type Along, type Axis, type Value } from './analysis/value.js';
import { WINDOWS } from './analysis/window.js';
import type { Geometry } from '../catalogue/geometry.js';
import type { GraphProto, NodeProto } from './onnx/onnx_pb.js';
import { sizeOf } from './onnx/tensor.js';

const OPERATORS: Operators = {
  ...ELEMENTWISE,
  ...WINDOWS,
  ...RESHAPES,
  ...CUTS,
  ...RESIZES,
  ...REDUCTIONS,
  ...CONSTANTS,
};

/** A picture to walk the graph with. Only sizes are computed, so it may be huge. */
export interface PictureSize {
  readonly h: number;
  readonly w: number;
}

/** How the graph's input is to be taken. */
export interface InputShape {
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: number;
  /** Element type as ONNX numbers it. */
  readonly type: number;
}

/** What a walk over the graph found. */
export interface Analysis {
  readonly geometry: Geometry;
  /** The output's shape for the picture that was supposed, where it could be followed. */
  readonly output: readonly number[] | undefined;
  readonly picture: PictureSize;
  /** A node whose inputs contradict each other: the network doesn't take such pictures. */
  readonly contradiction: string | undefined;
  /** Nodes that the output needs and that could be followed, in the order of computing. */
  readonly steps: readonly Step[];
  /** What is known of each tensor, for that picture. */
  readonly values: ReadonlyMap<string, Value>;
  /** Where `geometry.pooling` says that there are pools: which nodes they are. */
  readonly pools: FoundPools['pools'] | undefined;
}

// Many small factors, so that strides, blocks and windows of any usual size divide it, and different in both directions, so
// that rows and columns can't be mistaken for each other or for channels.
const FIRST: PictureSize = { h: 2 ** 8 * 3 ** 2 * 5 * 7, w: 2 ** 8 * 3 ** 2 * 5 * 11 };
// For the second walk: multiples of what the first one asks for, and of nothing else.
const SECOND: PictureSize = { h: 101, w: 103 };

/**
 * Follows a graph from its input to its output and finds how it scales, its receptive field and its cost. The graph has one
 * input and one output besides its constants.
 *
 * Sizes are computed with numbers, not symbols, for two pictures of unlike sizes: what holds for both is no accident of one.
 * Then the rows and columns that the smallest tile needs are followed backwards, from the output to the input, in integers;
 * so the halo is exact for windows, shuffles and strides alike.
 * @param only size of the pictures that the network takes, where it takes no others; what it says of halos then counts for nothing
 */
export function analyse(graph: GraphProto, opset: number, input: InputShape, only?: PictureSize): Analysis {
  if (only) {
    const { geometry, ...found } = walk(graph, opset, input, only);
    const fixedSize = { width: only.w, height: only.h };
    return { ...found, geometry: { ...geometry, halo: undefined, pooling: undefined, fixedSize }, pools: undefined };
  }
  const first = walk(graph, opset, input, FIRST);
  const { geometry } = first;
  if (geometry.scale === undefined) return first;
  const second = walk(graph, opset, input, { h: SECOND.h * geometry.multipleOf, w: SECOND.w * geometry.multipleOf });
  const unlike = { halo: undefined, pooling: undefined };
  if (second.geometry.scale !== geometry.scale)
    return { ...second, geometry: { ...geometry, ...unlike, scale: undefined }, pools: undefined };
  const fieldOf = ({ geometry: { halo, pooling } }: Analysis): string => JSON.stringify([halo, haloesOf(pooling)]);
  if (fieldOf(second) === fieldOf(first)) return first;
  // It treats pictures of different sizes differently.
  return { ...first, geometry: { ...geometry, ...unlike }, pools: undefined };
}

const haloesOf = (pooling: Geometry['pooling']): unknown =>
  pooling && [pooling.halo, ...pooling.stages.map(({ halo }) => halo)];

function walk(graph: GraphProto, opset: number, shape: InputShape, size: PictureSize): Analysis {
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const values = new Map<string, Value>();
  for (const [name, tensor] of constants) values.set(name, constantValue(tensor));
  const inputName = graph.input.find(({ name }) => !constants.has(name))?.name ?? '';
  const outputName = graph.output[0]?.name ?? '';
  values.set(inputName, pictureValue(shape, size));

  const context: OperatorContext = { opset, constant: (name) => constants.get(name), pictureSize: size };
  const steps: Step[] = [];
  const globals = new Set<string>();
  const lost = new Set<string>();
  let onlyPools = true;
  let contradiction: string | undefined;
  let multipleOf = 1;
  let mac = 0;
  for (const node of neededNodes(graph.node, [outputName])) {
    if (node.input.some((name) => lost.has(name))) {
      node.output.forEach((name) => lost.add(name));
      continue;
    }
    const inputs = node.input.map((name) => (name === '' ? undefined : values.get(name)));
    try {
      const followed = follow(node, inputs, context);
      steps.push({ node, followed });
      followed.outputs.forEach((value, index) => values.set(node.output[index] ?? '', value));
      for (const { scale } of followed.outputs) {
        for (const along of ALONG) multipleOf = lcm(multipleOf, scale[along]?.den ?? 1);
      }
      if (followed.global) {
        globals.add(node.opType);
        onlyPools &&= followed.pool !== undefined;
      }
      mac += followed.mac ?? 0;
    } catch (error) {
      if (error instanceof Contradiction)
        contradiction ??= `${node.opType} "${node.name || (node.output[0] ?? '')}": ${error.message}`;
      else if (!(error instanceof CannotFollow)) throw error;
      globals.add(`${node.opType} (unknown)`);
      onlyPools = false;
      node.output.forEach((name) => lost.add(name));
    }
  }

  const output = values.get(outputName);
  const scale = output && scaleOf(output, size);
  const followable = output !== undefined && scale !== undefined && globals.size === 0;
  const pools =
    output !== undefined && scale !== undefined && onlyPools && globals.size > 0
      ? findPools(steps, inputName, outputName, values, multipleOf, size)
      : undefined;
  const result: Geometry = {
    scale,
    halo: followable ? haloOf(steps, inputName, outputName, values, multipleOf, size) : undefined,
    ...(pools && { pooling: pools.pooling }),
    multipleOf,
    globalOperators: [...globals],
    macPerPixel: Math.round(mac),
    activationBytesPerPixel: Math.ceil(peakBytes(steps, values, inputName, outputName)),
    parameters: graph.initializer.reduce(
      (sum, tensor) => sum + (isWeight(tensor.dataType) ? sizeOf(tensor.dims) : 0),
      0,
    ),
  };
  return {
    geometry: result,
    output: output && shapeOf(output),
    picture: size,
    contradiction,
    steps,
    values,
    pools: pools?.pools,
  };
}

function follow(node: NodeProto, inputs: readonly (Value | undefined)[], context: OperatorContext): Followed {
  const operator = node.domain === '' || node.domain === 'ai.onnx' ? OPERATORS[node.opType] : undefined;
  if (!operator) throw new CannotFollow('not an operator that is known here');
  if (inputs.length > 0 && inputs[0] === undefined) throw new CannotFollow('an input is missing');
  const followed = operator(node, inputs, context);
  const [output] = followed.outputs;
  if (followed.outputs.length !== 1 || !output || output.values) return followed;
  const values = foldConstants(node, inputs, output);
  return values ? { ...followed, outputs: [{ ...output, values }] } : followed;
}

function pictureValue({ layout, channels, type }: InputShape, { h, w }: PictureSize): Value {
  const rows: Axis = [{ size: h, along: 'h' }];
  const columns: Axis = [{ size: w, along: 'w' }];
  const plane: Axis = channels === 1 ? [] : [{ size: channels }];
  return {
    type,
    axes: layout === 'NCHW' ? [[], plane, rows, columns] : [[], rows, columns, plane],
    scale: { h: ONE, w: ONE },
  };
}

/** The scale, if it is one integer in both directions and the output has exactly that size. */
function scaleOf(output: Value, size: PictureSize): number | undefined {
  const { h, w } = output.scale;
  if (!h || !w || h.den !== 1 || w.den !== 1 || h.num !== w.num) return undefined;
  const found = (along: Along): number | undefined => output.axes.flat().find((atom) => atom.along === along)?.size;
  return found('h') === size.h * h.num && found('w') === size.w * w.num ? h.num : undefined;
}

function isWeight(type: number): boolean {
  // float32, float16, float64 and bfloat16, and the integers of quantised networks; not the int64 of shapes.
  return [1, 2, 3, 10, 11, 16].includes(type);
}
