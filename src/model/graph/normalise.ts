import type { PartialModelCard } from '../catalogue/card.js';
import type { ChannelOrder, ValueRange } from '../catalogue/colours.js';
import { inspectNetwork, type NetworkInterface, type NetworkSide } from './inspect.js';
import { enlarge } from './interpolation.js';
import { tensorInfo } from './onnx/node.js';
import { opsetOf, type OnnxModel } from './onnx/file.js';
import { GraphWriter } from './onnx/graph-writer.js';
import { renameTensors } from './onnx/names.js';
import { TensorProto_DataType as DataType } from './onnx/onnx_pb.js';
import type { PictureSize } from './receptive-field.js';
import { widenHalf } from './rewrite/half.js';

// BT.601, full range, as JPEG and nearly all super-resolution of luma use it (ITU-R BT.601-7; JFIF 1.02). No offset is added
// to the chroma: it never leaves the graph.
const [KR, KG, KB] = [0.299, 0.587, 0.114] as const;
const LUMA = [KR, KG, KB];
const CHROMA = [
  ...[-0.5 * KR, -0.5 * KG, 0.5 * (1 - KB)].map((weight) => weight / (1 - KB)),
  ...[0.5 * (1 - KR), -0.5 * KG, -0.5 * KB].map((weight) => weight / (1 - KR)),
];
const TO_RGB = [
  ...[1, 0, 2 * (1 - KR)],
  ...[1, (-2 * (1 - KB) * KB) / KG, (-2 * (1 - KR) * KR) / KG],
  ...[1, 2 * (1 - KB), 0],
];

/** A core, and how its network took and gave pictures before. */
export interface NormalisedNetwork {
  readonly model: OnnxModel;
  readonly input: NetworkSide;
  readonly output: NetworkSide;
  /** Where it takes pictures of this size alone. */
  readonly fixedSize?: PictureSize;
}

/**
 * Gives any network that enlarges one picture the interface of a core, in place: float32 NCHW `input` [1,3,h,w] in 0..1 ->
 * `output` [1,3,h*scale,w*scale]. NHWC is transposed, other ranges and orders of channels
 * are converted, float16 is computed as float32. A network of one
 * channel runs on luma, and chroma is enlarged bicubically alongside.
 * Throws MODEL_UNSUPPORTED for a network that does something else.
 */
export function normaliseNetwork(model: OnnxModel, card: Partial<PartialModelCard>, name: string): OnnxModel {
  return normalise(model, card, name).model;
}

/** The same, with how the network took and gave pictures before. */
export function normalise(model: OnnxModel, card: Partial<PartialModelCard>, name: string): NormalisedNetwork {
  const found = inspectNetwork(model, card, name);
  const { graph } = model;
  const opset = opsetOf(model);
  widenHalf(graph);

  const before = new GraphWriter(opset, 'in_');
  const { into, chroma } = adaptInput(before, found);
  const after = new GraphWriter(opset, 'out_');
  const plain = isPlain(found.output);
  const from = plain ? 'output' : 'net/output';
  // A prefix of its own keeps the network's names from clashing with those that are added.
  renameTensors(graph, (tensor) => {
    if (tensor === found.inputName) return into;
    return tensor === found.outputName ? from : `net/${tensor}`;
  });
  if (!plain) adaptOutput(after, from, found, chroma);

  graph.node = [...before.nodes, ...graph.node, ...after.nodes];
  graph.initializer.push(...before.initializers, ...after.initializers);
  graph.input = [tensorInfo('input', DataType.FLOAT, [1, 3, 'height', 'width'])];
  graph.output = [tensorInfo('output', DataType.FLOAT, [1, 3, 'out_height', 'out_width'])];
  // Intermediate shapes may be of a fixed size that the file was exported with, or of float16.
  graph.valueInfo = [];
  // Until version 3 of the format, constants had to be inputs as well.
  if (model.irVersion < 4n) model.irVersion = 4n;
  const { input, output, fixedSize } = found;
  return { model, input, output, ...(fixedSize && { fixedSize }) };
}

function isPlain({ layout, channels, type, range, order }: NetworkSide): boolean {
  return layout === 'NCHW' && channels === 3 && type !== 'uint8' && order === 'RGB' && range[0] === 0 && range[1] === 1;
}

function adaptInput(writer: GraphWriter, { input }: NetworkInterface): { into: string; chroma: string } {
  let value = 'input';
  let chroma = '';
  if (input.channels === 1) {
    chroma = mix(writer, value, CHROMA, 3);
    value = mix(writer, value, LUMA, 3);
  }
  if (input.channels === 3) value = fromRgb(writer, value, input.order);
  if (input.type === 'uint8') value = writer.clip(value, 0, 1);
  value = stretch(writer, value, input.range);
  if (input.type === 'uint8') {
    // A cast cuts off the fraction: with one half added it rounds.
    value = writer.op('Add', [value, writer.floats([0.5])]);
    value = writer.op('Cast', [value], { to: DataType.UINT8 });
  }
  if (input.layout === 'NHWC') value = writer.op('Transpose', [value], { perm: [0, 2, 3, 1] });
  return { into: value, chroma };
}

function adaptOutput(writer: GraphWriter, from: string, { output, scale }: NetworkInterface, chroma: string): void {
  let value = from;
  if (output.layout === 'NHWC') value = writer.op('Transpose', [value], { perm: [0, 3, 1, 2] });
  if (output.type === 'uint8') value = writer.op('Cast', [value], { to: DataType.FLOAT });
  value = shrink(writer, value, output.range);
  if (output.channels === 3) value = toRgb(writer, value, output.order);
  if (output.channels === 1) {
    const colours = enlarge(writer, chroma, 'bicubic', scale!, 2);
    value = mix(writer, writer.op('Concat', [value, colours], { axis: 1 }), TO_RGB, 3);
  }
  writer.op('Identity', [value], {}, 'output');
}

/** From 0..1 to a range. */
function stretch(writer: GraphWriter, value: string, [black, white]: ValueRange): string {
  let result = value;
  if (white - black !== 1) result = writer.op('Mul', [result, writer.floats([white - black])]);
  if (black !== 0) result = writer.op('Add', [result, writer.floats([black])]);
  return result;
}

/** From a range to 0..1. */
function shrink(writer: GraphWriter, value: string, [black, white]: ValueRange): string {
  let result = value;
  if (black !== 0) result = writer.op('Sub', [result, writer.floats([black])]);
  if (white - black !== 1) result = writer.op('Div', [result, writer.floats([white - black])]);
  return result;
}

/** The middle of Cb and Cr, where there is no colour. */
const GREY = [0, 0.5, 0.5];

function fromRgb(writer: GraphWriter, value: string, order: ChannelOrder): string {
  if (order === 'RGB') return value;
  if (order === 'BGR') return swapped(writer, value);
  return writer.op('Add', [mix(writer, value, [...LUMA, ...CHROMA], 3), writer.floats(GREY, [1, 3, 1, 1])]);
}

function toRgb(writer: GraphWriter, value: string, order: ChannelOrder): string {
  if (order === 'RGB') return value;
  if (order === 'BGR') return swapped(writer, value);
  return mix(writer, writer.op('Sub', [value, writer.floats(GREY, [1, 3, 1, 1])]), TO_RGB, 3);
}

const swapped = (writer: GraphWriter, value: string): string =>
  writer.op('Gather', [value, writer.ints([2, 1, 0])], { axis: 1 });

/** Each output channel as a weighted sum of the input's, rows of `weights` first. */
function mix(writer: GraphWriter, input: string, weights: readonly number[], channels: number): string {
  const dims = [weights.length / channels, channels, 1, 1];
  return writer.op('Conv', [input, writer.floats(weights, dims)], { kernel_shape: [1, 1] });
}
