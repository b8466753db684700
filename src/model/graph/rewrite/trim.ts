import type { Halo } from '../../../pixels.js';
import type { Step } from '../analysis/operator.js';
import { toNumber } from '../analysis/rational.js';
import { hasPicture, shapeOf, sizeOfAxis, type Value } from '../analysis/value.js';
import { pictureAxes, windowsOf } from '../analysis/window.js';
import { opsetOf, type OnnxModel } from '../onnx/file.js';
import { GraphWriter } from '../onnx/graph-writer.js';
import { hasInnerGraphs, intOf, intsOf, node as makeNode, textOf } from '../onnx/node.js';
import type { NodeProto } from '../onnx/onnx_pb.js';

/** Rows and columns that a tensor lacks of what it had: in ONNX's order of pads. */
type Margin = readonly [top: number, left: number, bottom: number, right: number];

const NOTHING: Margin = [0, 0, 0, 0];

/** How a node is computed without a margin. */
interface Trimming {
  /** What its inputs that show the picture are made to lack. */
  readonly inputs: Margin;
  /** What its outputs lack then. */
  readonly outputs: Margin;
  /** Instead of its own. */
  readonly pads?: Margin;
  /** Nothing is left to do but to hand its input on. */
  readonly isIdentity?: boolean;
}

/** @param wanted what the outputs may lack at most */
type Rule = (node: NodeProto, inputs: readonly (Value | undefined)[], wanted: Margin) => Trimming | undefined;

/** A graph's nodes and tensors as `analyse` followed them. */
export interface FollowedGraph {
  readonly steps: readonly Step[];
  readonly values: ReadonlyMap<string, Value>;
  /** The picture that was supposed: pixels. */
  readonly picture: { readonly h: number };
}

/**
 * Rewrites a core, in place, for tiles that bring their halo along: nothing is padded, and each tensor is computed only where the tile's core
 * needs it. Its output lacks the halo.
 *
 * What is left are the same operations on the same numbers. An operator that isn't known to compute each pixel alike wherever it lies (the
 * last of a row may be computed by other instructions) gets all that it got, and so does what comes before it. Nothing holds a runtime
 * to fusing the same operations, though, which may round a sum otherwise: a trial compares both.
 * @param halo of the core: input pixels
 * @returns the share of the work on a tile's halo that is left out; undefined where that is none, with nothing changed
 */
export function trimToCore(core: OnnxModel, followed: FollowedGraph, halo: Halo, scale: number): number | undefined {
  // The graphs inside of nodes may read any tensor of this one.
  if (hasInnerGraphs(core.graph)) return undefined;
  const { steps, values } = followed;
  const all = marginOf(halo, scale);
  const wanted = new Map<string, Margin>([[core.graph.output[0]!.name, all]]);
  const lacking = new Map<string, Margin>();
  const plans = new Map<NodeProto, Trimming>();
  for (const { node } of [...steps].reverse()) {
    const needs = node.output.flatMap((name) => (wanted.has(name) ? [wanted.get(name)!] : []));
    const pictures = node.input.filter((name) => isPicture(values.get(name)));
    if (pictures.length === 0) continue;
    // A node whose result is no picture asks for sizes, which must be those of the whole tile.
    const plan = needs.length === 0 ? undefined : planOf(node, values, needs.reduce(smaller));
    if (plan) plans.set(node, plan);
    const { inputs, outputs } = plan ?? { inputs: NOTHING, outputs: NOTHING };
    for (const name of node.output) lacking.set(name, outputs);
    for (const name of pictures) wanted.set(name, smaller(wanted.get(name) ?? inputs, inputs));
  }
  const saved = savedShare(followed, lacking, halo);
  if (plans.size === 0 || saved <= 0) return undefined;
  rewrite(core, values, plans, lacking, all);
  return saved;
}

const marginOf = ({ top, left, bottom, right }: Halo, scale: number): Margin => [
  top * scale,
  left * scale,
  bottom * scale,
  right * scale,
];

const each = (margin: Margin, change: (side: number, at: number) => number): Margin => [
  change(margin[0], 0),
  change(margin[1], 1),
  change(margin[2], 2),
  change(margin[3], 3),
];

const smaller = (a: Margin, b: Margin): Margin => each(a, (side, at) => Math.min(side, b[at]!));

const isNothing = (margin: Margin): boolean => margin.every((side) => side === 0);

const isPicture = (value: Value | undefined): boolean => value !== undefined && hasPicture(value);

function planOf(node: NodeProto, values: ReadonlyMap<string, Value>, wanted: Margin): Trimming | undefined {
  const inputs = node.input.map((name) => values.get(name));
  if (!inputs.every((input) => !isPicture(input) || hasRowsAndColumnsLast(input!))) return undefined;
  const plan = RULES[node.opType]?.(node, inputs, wanted);
  return plan?.inputs.every((side) => side >= 0) ? plan : undefined;
}

function hasRowsAndColumnsLast({ axes }: Value): boolean {
  const along = axes.map((axis) => axis.map((atom) => atom.along ?? '').join(''));
  return along.join(' ') === `${along[0]!} ${along[1]!} h w` && along[0] === '' && along[1] === '';
}

/** Each value from those at its place, by operations that IEEE 754 rounds in one way only, or that do not round. */
const pointwise: Rule = (_node, _inputs, wanted) => ({ inputs: wanted, outputs: wanted });

const concat: Rule = (node, _inputs, wanted) => {
  const axis = intOf(node, 'axis', 0);
  return axis === 1 || axis === -3 ? { inputs: wanted, outputs: wanted } : undefined;
};

const conv: Rule = (node, [input, weights], wanted) => {
  const { rows, columns } = pictureAxes(input!);
  const windows = windowsOf(node, shapeOf(weights!).slice(2), [sizeOfAxis(rows), sizeOfAxis(columns)]);
  if (windows.some(({ stride }) => stride !== 1)) return undefined;
  const inputs = each(wanted, (side, at) => side - windows[at % 2]![at < 2 ? 'before' : 'after']);
  return { inputs, outputs: wanted, pads: NOTHING };
};

const convTranspose: Rule = (node, [, weights], wanted) => {
  const kernel = shapeOf(weights!).slice(2);
  const strides = intsOf(node, 'strides') ?? [1, 1];
  const dilations = intsOf(node, 'dilations') ?? [1, 1];
  const pads = intsOf(node, 'pads') ?? NOTHING;
  const isPlain = textOf(node, 'auto_pad', 'NOTSET') === 'NOTSET' && !intsOf(node, 'output_shape');
  if (!isPlain || (intsOf(node, 'output_padding') ?? []).some((more) => more > 0)) return undefined;
  const inputs = each(wanted, (side, at) => {
    // At the border are pixels that inputs beyond it would have a part in.
    const extent = (kernel[at % 2]! - 1) * dilations[at % 2]!;
    const unsure = Math.max(0, extent + 1 - strides[at % 2]! - pads[at]!);
    return Math.floor((side - unsure) / strides[at % 2]!);
  });
  return {
    inputs,
    outputs: wanted,
    pads: each(wanted, (side, at) => pads[at]! + side - inputs[at]! * strides[at % 2]!),
  };
};

const pad: Rule = (node, [input, amounts], wanted) => {
  const pads = intsOf(node, 'pads') ?? amounts?.values;
  // With a fourth input it names axes.
  if (pads?.length !== 2 * input!.axes.length || node.input.length > 3) return undefined;
  const [batch, channels, top, left, batchEnd, channelsEnd, bottom, right] = pads;
  if ([batch, channels, batchEnd, channelsEnd].some((side) => side !== 0) || pads.some((side) => side < 0))
    return undefined;
  const sides = [top!, left!, bottom!, right!];
  return { inputs: each(wanted, (side, at) => side - sides[at]!), outputs: wanted, isIdentity: true };
};

const depthToSpace: Rule = (node, _inputs, wanted) => enlarged(intOf(node, 'blocksize', 1), wanted);

/** Pixels that are repeated: other interpolations compute with places. */
const resize: Rule = (node, [, , scales], wanted) => {
  const repeats =
    textOf(node, 'mode', 'nearest') === 'nearest' &&
    textOf(node, 'coordinate_transformation_mode', '') === 'asymmetric' &&
    textOf(node, 'nearest_mode', '') === 'floor';
  const [batch, channels, by, across] = scales?.values ?? [];
  if (!repeats || batch !== 1 || channels !== 1 || by !== across || !Number.isInteger(by)) return undefined;
  return enlarged(by!, wanted);
};

function enlarged(by: number, wanted: Margin): Trimming {
  const inputs = each(wanted, (side) => Math.floor(side / by));
  return { inputs, outputs: each(inputs, (side) => side * by) };
}

const RULES: Readonly<Record<string, Rule | undefined>> = {
  ...Object.fromEntries(
    'Abs Add Cast Clip Div Identity LeakyRelu Max Min Mul Neg PRelu Relu Sub'
      .split(' ')
      .map((name) => [name, pointwise]),
  ),
  Concat: concat,
  Conv: conv,
  ConvTranspose: convTranspose,
  Pad: pad,
  DepthToSpace: depthToSpace,
  Resize: resize,
};

/** What is left out of the rings that tensors had around a tile's core, each weighed by the work that it takes. */
function savedShare(
  { steps, values, picture }: FollowedGraph,
  lacking: ReadonlyMap<string, Margin>,
  halo: Halo,
): number {
  const around = halo.top + halo.bottom;
  let [left, all] = [0, 0];
  for (const { node, followed } of steps) {
    const { mac = 0 } = followed;
    const name = node.output[0]!;
    const { axes, scale } = values.get(name)!;
    if (!scale.h) continue;
    const [top, , bottom] = lacking.get(name) ?? NOTHING;
    // Of a tile's height a ring has that much more than its core.
    const more = (sizeOfAxis(axes[2] ?? []) - top - bottom) / toNumber(scale.h) - picture.h + around;
    left += mac * more;
    all += mac * around;
  }
  return all === 0 ? 0 : 1 - left / all;
}

function rewrite(
  { graph, ...core }: OnnxModel,
  values: ReadonlyMap<string, Value>,
  plans: ReadonlyMap<NodeProto, Trimming>,
  lacking: ReadonlyMap<string, Margin>,
  all: Margin,
): void {
  const writer = new GraphWriter(opsetOf({ ...core, graph }), 'trim/');
  const parts = new Map<string, string>();
  /** The tensor without a margin, which is cut off where it still has it. */
  const without = (name: string, margin: Margin): string => {
    const rest = each(margin, (side, at) => side - (lacking.get(name) ?? NOTHING)[at]!);
    if (isNothing(rest)) return name;
    const key = `${name} ${rest.join(' ')}`;
    const part = parts.get(key) ?? cutOff(writer, name, sizeOfAxis(values.get(name)!.axes[1]!), rest);
    parts.set(key, part);
    return part;
  };
  for (const node of graph.node) {
    const plan = plans.get(node);
    if (plan) {
      node.input = node.input.map((name) => (isPicture(values.get(name)) ? without(name, plan.inputs) : name));
      if (plan.pads) setPads(node, plan.pads);
      if (plan.isIdentity) [node.opType, node.input, node.attribute] = ['Identity', node.input.slice(0, 1), []];
    }
    writer.nodes.push(node);
  }
  const output = graph.output[0]!.name;
  const rest = each(all, (side, at) => side - (lacking.get(output) ?? NOTHING)[at]!);
  if (!isNothing(rest)) {
    for (const node of writer.nodes) node.output = node.output.map((name) => (name === output ? 'trim/output' : name));
    slice(writer, 'trim/output', rest, output);
  }
  graph.node = writer.nodes;
  graph.initializer.push(...writer.initializers);
}

function setPads(node: NodeProto, pads: Margin): void {
  const { attribute } = makeNode(node.opType, [], [], { pads });
  node.attribute = [...node.attribute.filter(({ name }) => name !== 'pads' && name !== 'auto_pad'), ...attribute];
}

/**
 * Cuts a margin off: where there are many channels by a convolution that takes each pixel from its place, since that stays in the runtime's
 * blocked layout, which a slice would have to leave.
 */
function cutOff(writer: GraphWriter, name: string, channels: number, margin: Margin): string {
  const [top, left, bottom, right] = margin;
  if (channels <= 4 || top !== bottom || left !== right || top === 0 || left === 0) return slice(writer, name, margin);
  const weights = new Float32Array(9 * channels);
  for (let channel = 0; channel < channels; channel++) weights[9 * channel + 4] = 1;
  const kernel = writer.floats(weights, [channels, 1, 3, 3]);
  return writer.op('Conv', [name, kernel], { group: channels, kernel_shape: [3, 3], dilations: [top, left] });
}

function slice(writer: GraphWriter, name: string, [top, left, bottom, right]: Margin, output?: string): string {
  const end = (side: number): number => (side === 0 ? Number.MAX_SAFE_INTEGER : -side);
  return writer.slice(name, [2, 3], [top, left], [end(bottom), end(right)], output);
}
