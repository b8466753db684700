import { create } from '@bufbuild/protobuf';
import { GraphWriter } from '../../onnx/graph-writer.js';
import { float, type Attributes } from '../../onnx/node.js';
import { TensorProto_DataType as DataType, TensorProtoSchema } from '../../onnx/onnx_pb.js';
import type { Layer } from './layer.js';
import { mapExtent, type Extent, type Size } from './size.js';
import type { Weights } from './weights.js';
import type { Sides } from '../../../../pixels.js';

/** Operator set of the graphs that are written: the oldest that has everything needed, so that other tools read them too. */
export const OPSET = 13;

/** A tensor of the graph: [1, channels, rows, columns]. */
export interface Blob {
  readonly name: string;
  readonly channels: number;
  readonly size: Size;
}

/** How a kind of layer is read and written. */
export interface LayerKind {
  /** Takes the layer's weights from the file, in the order in which they lie there. */
  weights?(layer: Layer, reader: WeightSource): Weights[];
  /** Writes its nodes, and returns its outputs. `weights` is what the function above returned. */
  build(layer: Layer, inputs: readonly Blob[], weights: readonly Weights[], graph: NetBuilder): Blob[];
}

/** What reads weights: see WeightReader. */
export interface WeightSource {
  tagged(layer: Layer, count: number): Weights;
  plain(layer: Layer, count: number): Weights;
}

/** Limits that no real network comes near, so that a few damaged digits can't ask for gigabytes. */
export const LIMITS = { channels: 65_536, kernel: 255, stride: 64, border: 4096, factor: 16 } as const;

/** Writes nodes, and knows the sizes of what they make. */
export class NetBuilder {
  readonly writer = new GraphWriter(OPSET, 'n_');

  /** A constant of the file, in the precision in which it is stored; float16 is widened by a Cast. */
  constant(weights: Weights, dims: readonly number[]): string {
    const { writer } = this;
    const name = writer.fresh('weights');
    writer.initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: dims.map(BigInt),
        dataType: weights.half ? DataType.FLOAT16 : DataType.FLOAT,
        rawData: weights.bytes,
      }),
    );
    return weights.half ? writer.op('Cast', [name], { to: DataType.FLOAT }) : name;
  }

  /** One number for each channel. */
  perChannel(values: ArrayLike<number>): string {
    return this.writer.floats(values, values.length === 1 ? [] : [values.length, 1, 1]);
  }

  /** A node that changes neither channels nor size. */
  map(opType: string, input: Blob, others: readonly string[] = [], attributes: Attributes = {}): Blob {
    return { ...input, name: this.writer.op(opType, [input.name, ...others], attributes) };
  }

  clip(input: Blob, low: number, high: number): Blob {
    return { ...input, name: this.writer.clip(input.name, low, high) };
  }

  pad(input: Blob, sides: Sides, mode: 'constant' | 'edge' | 'reflect', value = 0): Blob {
    const { left, top, right, bottom } = sides;
    if (Object.values(sides).every((length: number) => length === 0)) return input;
    const inputs = [input.name, this.writer.ints([0, 0, top, left, 0, 0, bottom, right])];
    if (mode === 'constant') inputs.push(this.writer.floats([value]));
    return {
      ...input,
      name: this.writer.op('Pad', inputs, { mode }),
      size: {
        h: mapExtent(input.size.h, (h) => h + top + bottom),
        w: mapExtent(input.size.w, (w) => w + left + right),
      },
    };
  }

  /** What is left without this many rows and columns at each side. */
  crop(input: Blob, sides: Sides): Blob {
    const { left, top, right, bottom } = sides;
    if (Object.values(sides).every((length: number) => length === 0)) return input;
    return {
      ...input,
      name: this.slice(input.name, [
        [2, top, bottom],
        [3, left, right],
      ]),
      size: {
        h: mapExtent(input.size.h, (h) => h - top - bottom),
        w: mapExtent(input.size.w, (w) => w - left - right),
      },
    };
  }

  /** Channels `start` to `end`, which is not among them. */
  channels(input: Blob, start: number, end: number): Blob {
    if (start === 0 && end === input.channels) return input;
    return { ...input, name: this.slice(input.name, [[1, start, input.channels - end]]), channels: end - start };
  }

  /** The activation that ncnn fuses into layers, by its number (parameter 9) and its parameters (the list 10). */
  activation(layer: Layer, input: Blob): Blob {
    const [first, second] = layer.list(10);
    const kind = layer.integer(9, 0, 0, 1000);
    const given = (value: number | undefined): number => {
      if (value === undefined) throw layer.invalid('lacks the parameters of its activation');
      return value;
    };
    switch (kind) {
      case 0:
        return input;
      case 1:
        return this.map('Relu', input);
      case 2:
        return this.map('LeakyRelu', input, [], { alpha: float(given(first)) });
      case 3:
        return this.clip(input, given(first), given(second));
      case 4:
        return this.map('Sigmoid', input);
      case 5:
        return this.mish(input);
      case 6:
        return this.hardSwish(input, given(first), given(second));
      default:
        throw layer.unsupported(`has the activation ${kind}, which is not known here`);
    }
  }

  /** x tanh(log(1 + exp x)), which is an operator of its own in newer operator sets only. */
  mish(input: Blob): Blob {
    return this.map('Mul', input, [this.writer.op('Tanh', [this.writer.op('Softplus', [input.name])])]);
  }

  /** x clamp(alpha x + beta, 0, 1). */
  hardSwish(input: Blob, alpha: number, beta: number): Blob {
    const gate = this.map('HardSigmoid', input, [], { alpha: float(alpha), beta: float(beta) });
    return this.map('Mul', input, [gate.name]);
  }

  /** Parts of a tensor: axis, elements cut off before, elements cut off behind. */
  private slice(name: string, cuts: readonly (readonly [axis: number, before: number, behind: number])[]): string {
    const used = cuts.filter(([, before, behind]) => before !== 0 || behind !== 0);
    const ends = used.map(([, , behind]) => (behind === 0 ? TO_THE_END : -behind));
    return this.writer.op('Slice', [
      name,
      this.writer.ints(used.map(([, before]) => before)),
      this.writer.ints(ends),
      this.writer.ints(used.map(([axis]) => axis)),
    ]);
  }
}

/** Beyond any size. */
const TO_THE_END = 2 ** 31 - 1;

/** The length of what a window of that reach makes while it slides. Throws MODEL_INVALID when it does not fit. */
export function slid(
  layer: Layer,
  length: Extent,
  before: number,
  after: number,
  extent: number,
  stride: number,
): Extent {
  return mapExtent(length, (n) => {
    const steps = Math.floor((n + before + after - extent) / stride);
    if (steps < 0) throw layer.invalid(`has a window of ${extent} pixels, which is larger than what it gets`);
    return steps + 1;
  });
}

/** The only input of a layer that has one. Throws MODEL_INVALID. */
export function onlyInput(layer: Layer, inputs: readonly Blob[]): Blob {
  const [input, ...others] = inputs;
  if (!input || others.length > 0) throw layer.invalid(`has ${inputs.length} inputs, where one must be`);
  return input;
}
