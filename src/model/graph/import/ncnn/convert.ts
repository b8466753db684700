import { createHash } from 'node:crypto';
import { UpresError } from '../../../../errors.js';
import { makeModel, type OnnxModel } from '../../onnx/file.js';
import { tensorInfo } from '../../onnx/node.js';
import { TensorProto_DataType as DataType } from '../../onnx/onnx_pb.js';
import { LIMITS, NetBuilder, OPSET, type Blob, type LayerKind } from './builder.js';
import { COMBINATIONS } from './combine.js';
import { CONVOLUTIONS } from './convolution.js';
import { CUTS } from './cutting.js';
import type { Layer } from './layer.js';
import { POINTWISE } from './pointwise.js';
import { POOLINGS } from './pooling.js';
import { repeatPicture, RESAMPLINGS } from './resampling.js';
import { growthOf, isVector, PICTURES } from './size.js';
import { WeightReader, type Weights } from './weights.js';

const KINDS: Readonly<Record<string, LayerKind>> = {
  ...CONVOLUTIONS,
  ...POINTWISE,
  ...COMBINATIONS,
  ...CUTS,
  ...RESAMPLINGS,
  ...POOLINGS,
};

/**
 * The networks of Real-CUGAN for 4x, by a hash of their layers. They compute what is to be added to the picture with every
 * pixel repeated, and the programs that run them add it: nothing in the file says so.
 */
const RESIDUAL = new Set(['d1694a87d8eef12b26eb0082d838aab7cf90926f5c61d6292bb4e0dce628eef4']);

/** Real networks need two. */
const MOST_LOOKS = 8;

/** A converted network, and how many channels its pictures have. */
export interface Converted {
  readonly model: OnnxModel;
  readonly channels: 1 | 3;
}

/**
 * Writes a network of ncnn as ONNX: `input` [1, channels, h, w] in 0..1 -> `output` [1, channels, h * scale, w * scale].
 *
 * Many of these networks don't pad: what comes out lacks a border, and the programs that run them give them larger pictures.
 * Here the graph does: it repeats the picture's border pixels until the output is as large as the scale says, and cuts off
 * what is too much. In a tile nothing of that is seen, since it lies outside of what the tile contributes.
 *
 * @param bytes of the `.bin` file
 * @throws MODEL_INVALID, MODEL_UNSUPPORTED
 */
export function convertLayers(layers: readonly Layer[], bytes: Uint8Array, file: string, binFile: string): Converted {
  const weights = readWeights(layers, bytes, binFile);
  const refuse = (what: string): UpresError =>
    new UpresError('MODEL_UNSUPPORTED', `${file} ${what}. Only networks that enlarge one picture can be used.`, {
      file,
    });
  const channels = inputChannels(layers, refuse);
  // With a border the sizes inside are others, and so may what strides leave over be: a second look settles it.
  let border = 0;
  for (let look = 0; look < MOST_LOOKS && border <= LIMITS.border; look++) {
    const { graph, input, output } = build(layers, weights, channels, border, refuse);
    const { scale, excess } = fit(output, refuse);
    const least = Math.min(excess.h, excess.w);
    if (least < 0) {
      border += Math.ceil(-least / (2 * scale));
      continue;
    }
    const [top, left] = [Math.floor(excess.h / 2), Math.floor(excess.w / 2)];
    let result = graph.crop(output, { top, left, bottom: excess.h - top, right: excess.w - left });
    if (RESIDUAL.has(fingerprint(layers))) {
      result = graph.map('Add', result, [repeatPicture(graph, input, scale).name]);
    }
    if (result.channels !== channels) throw refuse(`takes ${channels} channels and gives ${result.channels}`);
    graph.writer.op('Identity', [result.name], {}, 'output');
    const model = makeModel({
      opset: OPSET,
      nodes: graph.writer.nodes,
      initializers: graph.writer.initializers,
      inputs: [tensorInfo('input', DataType.FLOAT, [1, channels, 'height', 'width'])],
      outputs: [tensorInfo('output', DataType.FLOAT, [1, channels, 'out_height', 'out_width'])],
    });
    return { model, channels };
  }
  throw refuse('cuts off more of its borders than any picture has');
}

/** Each layer's weights. All layers are checked to be known first, so that no size is taken from one that is not. */
function readWeights(layers: readonly Layer[], bytes: Uint8Array, binFile: string): Map<Layer, Weights[]> {
  for (const layer of layers) {
    if (layer.type !== INPUT && !Object.hasOwn(KINDS, layer.type)) {
      throw layer.unsupported('is of a kind that upres does not know');
    }
  }
  const reader = new WeightReader(bytes, binFile);
  const weights = new Map(layers.map((layer) => [layer, KINDS[layer.type]?.weights?.(layer, reader) ?? []]));
  reader.finish();
  return weights;
}

const INPUT = 'Input';

interface Built {
  readonly graph: NetBuilder;
  /** The picture itself. */
  readonly input: Blob;
  readonly output: Blob;
}

function build(
  layers: readonly Layer[],
  weights: ReadonlyMap<Layer, Weights[]>,
  channels: number,
  border: number,
  refuse: (what: string) => UpresError,
): Built {
  const graph = new NetBuilder();
  const input: Blob = { name: 'input', channels, size: { h: PICTURES, w: PICTURES } };
  const padded = graph.pad(input, { left: border, top: border, right: border, bottom: border }, 'edge');
  const blobs = new Map<string, Blob>();
  const unread = new Set<string>();
  let pictures = 0;
  for (const layer of layers) {
    const inputs = layer.inputs.map((name) => {
      const blob = blobs.get(name);
      if (!blob) throw layer.invalid(`reads the blob "${name}", which no layer before it makes`);
      unread.delete(name);
      return blob;
    });
    if (layer.type === INPUT) pictures += layer.outputs.length;
    const outputs =
      layer.type === INPUT
        ? layer.outputs.map(() => padded)
        : KINDS[layer.type]!.build(layer, inputs, weights.get(layer)!, graph);
    if (outputs.length !== layer.outputs.length) {
      throw layer.invalid(`must have ${outputs.length} outputs, not ${layer.outputs.length}`);
    }
    layer.outputs.forEach((name, at) => {
      if (blobs.has(name)) throw layer.invalid(`makes the blob "${name}", which a layer before it has made`);
      blobs.set(name, outputs[at]!);
      unread.add(name);
    });
  }
  if (pictures !== 1) throw refuse(`takes ${pictures} inputs`);
  const last = unread.size === 1 ? [...unread][0] : OUTPUTS.find((name) => unread.has(name));
  if (last === undefined) throw refuse(`has ${unread.size} outputs`);
  return { graph, input, output: blobs.get(last)! };
}

/** As converters call the output, where others are left unread. */
const OUTPUTS = ['output', 'out0'];

/** The scale, and how many rows and columns there are beyond it; fewer than none where a border is needed. */
function fit(
  { size }: Blob,
  refuse: (what: string) => UpresError,
): { scale: number; excess: { h: number; w: number } } {
  if (isVector(size)) throw refuse('makes numbers from a picture, and no picture');
  const [h, w] = [growthOf(size.h), growthOf(size.w)];
  const scale = h.factor;
  if (scale !== w.factor || !Number.isInteger(scale) || scale < 1 || scale > LIMITS.factor) {
    throw refuse(`makes a picture ${w.factor} times as wide and ${h.factor} times as high`);
  }
  return { scale, excess: { h: h.offset, w: w.offset } };
}

/** Channels of the picture: as the input says, or as the first convolution needs them. Throws MODEL_UNSUPPORTED. */
function inputChannels(layers: readonly Layer[], refuse: (what: string) => UpresError): 1 | 3 {
  const stated = layers.find(({ type }) => type === INPUT)?.number(2, 0) ?? 0;
  const first = layers.find(({ type }) => type === 'Convolution');
  const wide = first?.number(1, 1) ?? 1;
  const area = wide * (first?.number(11, wide) ?? 1);
  const channels = stated !== 0 || !first ? stated || 3 : first.number(6, 0) / (first.number(0, 1) * area);
  if (channels === 1 || channels === 3) return channels;
  throw refuse(`takes ${channels} channels, where 3 (RGB) or 1 (luma) must be`);
}

/** What tells two networks apart, but for their weights. */
function fingerprint(layers: readonly Layer[]): string {
  const text = layers.map(({ type, inputs, outputs }) => [type, ...inputs, ...outputs].join(' ')).join('\n');
  return createHash('sha256').update(text).digest('hex');
}
