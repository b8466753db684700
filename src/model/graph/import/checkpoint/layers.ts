import { makeModel, type OnnxModel } from '../../onnx/file.js';
import { GraphWriter } from '../../onnx/graph-writer.js';
import { float, tensorInfo } from '../../onnx/node.js';
import { TensorProto_DataType as DataType } from '../../onnx/onnx_pb.js';
import { valuesOf, type StoredTensor } from './tensor.js';
import type { StateDict } from './torch-file.js';

/** A checkpoint whose weights are not those of the architecture that its names speak of. */
export class WeightsError extends Error {}

const OPSET = 17;

/** Builds the graph of an architecture from a checkpoint's weights: each that is used is ticked off. */
export class Layers {
  readonly writer = new GraphWriter(OPSET, 'n');
  private readonly left: Set<string>;

  constructor(private readonly weights: StateDict) {
    this.left = new Set(weights.keys());
  }

  has(name: string): boolean {
    return this.weights.has(name);
  }

  names(): string[] {
    return [...this.weights.keys()];
  }

  /** A weight's sizes. @throws WeightsError where there is none, or it has another number of dimensions */
  shape(name: string, rank: number): number[] {
    const { shape } = this.stored(name);
    if (shape.length !== rank || shape.some((size) => size < 1 || size > 65_536)) {
      throw new WeightsError(`${name} has the shape [${shape.join(', ')}]`);
    }
    return [...shape];
  }

  values(name: string): Float32Array {
    const tensor = this.stored(name);
    this.left.delete(name);
    return valuesOf(tensor);
  }

  /** Says that a weight is known, and not needed. */
  ignore(name: string): void {
    this.left.delete(name);
  }

  /** A convolution by the name of its module, that keeps the size. */
  conv(input: string, module: string, options: { groups?: number } = {}): string {
    const weight = `${module}.weight`;
    const shape = this.shape(weight, 4);
    const parts = [input, this.writer.floats(this.values(weight), shape)];
    if (this.has(`${module}.bias`)) {
      const bias = this.values(`${module}.bias`);
      if (bias.length !== shape[0]) throw new WeightsError(`${module}.bias has ${bias.length} values for ${shape[0]}`);
      parts.push(this.writer.floats(bias, [bias.length]));
    }
    return this.convolve(parts, shape, options.groups);
  }

  /** The same of weights that were computed. */
  convolve(parts: readonly string[], shape: readonly number[], groups = 1): string {
    const [, , height, width] = shape as [number, number, number, number];
    if (height % 2 === 0 || width % 2 === 0) throw new WeightsError(`a kernel of ${width}×${height}`);
    const [y, x] = [(height - 1) / 2, (width - 1) / 2];
    return this.writer.op('Conv', parts, { kernel_shape: [height, width], pads: [y, x, y, x], group: groups });
  }

  constant(value: number): string {
    return this.writer.floats([value]);
  }

  add(a: string, b: string): string {
    return this.writer.op('Add', [a, b]);
  }

  mul(a: string, b: string): string {
    return this.writer.op('Mul', [a, b]);
  }

  leaky(input: string, slope: number): string {
    return this.writer.op('LeakyRelu', [input], { alpha: float(slope) });
  }

  silu(input: string): string {
    return this.mul(input, this.writer.op('Sigmoid', [input]));
  }

  mish(input: string): string {
    return this.mul(input, this.writer.op('Tanh', [this.writer.op('Softplus', [input])]));
  }

  gelu(input: string): string {
    const bent = this.writer.op('Erf', [this.mul(input, this.constant(Math.SQRT1_2))]);
    return this.mul(this.mul(input, this.constant(0.5)), this.add(bent, this.constant(1)));
  }

  /** Normalises the channels of each pixel. */
  layerNorm(input: string, module: string, epsilon: number): string {
    const centred = this.writer.op('Sub', [input, this.writer.channelMean(input)]);
    const variance = this.writer.channelMean(this.mul(centred, centred));
    const deviation = this.writer.op('Sqrt', [this.add(variance, this.constant(epsilon))]);
    return this.affine(this.writer.op('Div', [centred, deviation]), module);
  }

  /** Normalises groups of channels over the whole picture. */
  groupNorm(input: string, module: string, groups: number): string {
    const { writer } = this;
    const grouped = writer.op('Reshape', [input, writer.ints([0, groups, -1])]);
    const [ones, zeros] = [1, 0].map((value) => writer.floats(new Float32Array(groups).fill(value), [groups]));
    const normal = writer.op('InstanceNormalization', [grouped, ones!, zeros!], { epsilon: float(1e-5) });
    return this.affine(writer.op('Reshape', [normal, writer.op('Shape', [input])]), module);
  }

  /** A factor and a summand for each channel. */
  private affine(input: string, module: string): string {
    const [weight, bias] = ['weight', 'bias'].map((name) => {
      const values = this.values(`${module}.${name}`);
      return this.writer.floats(values, [1, values.length, 1, 1]);
    });
    return this.add(this.mul(input, weight!), bias!);
  }

  concat(inputs: readonly string[]): string {
    return inputs.length === 1 ? inputs[0]! : this.writer.op('Concat', inputs, { axis: 1 });
  }

  nearest(input: string, factor: number): string {
    if (factor === 1) return input;
    const scales = this.writer.floats([1, 1, factor, factor], [4]);
    const how = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    return this.writer.op('Resize', [input, '', scales], how);
  }

  /** Channels become pixels, as torch.nn.PixelShuffle has it. */
  shuffle(input: string, factor: number): string {
    return factor === 1 ? input : this.writer.op('DepthToSpace', [input], { blocksize: factor, mode: 'CRD' });
  }

  /** Pixels become channels, as torch.nn.PixelUnshuffle has it: all of the first channel first. */
  unshuffle(input: string, factor: number, channels: number): string {
    if (factor === 1) return input;
    // Its weights grow with the square of it, whatever the file's size.
    if (channels > 4) throw new WeightsError(`it makes pictures of ${channels} channels`);
    const weights = new Float32Array(channels * factor ** 2 * channels * factor ** 2);
    for (let channel = 0; channel < channels; channel++) {
      for (let place = 0; place < factor ** 2; place++) {
        const out = channel * factor ** 2 + place;
        weights[out * channels * factor ** 2 + channel * factor ** 2 + place] = 1;
      }
    }
    const kernel = this.writer.floats(weights, [channels * factor ** 2, channels, factor, factor]);
    return this.writer.op('Conv', [input, kernel], { kernel_shape: [factor, factor], strides: [factor, factor] });
  }

  /** @throws WeightsError where weights are left that no layer used: then it is another network */
  finish(output: string, channels: number): OnnxModel {
    const [unused] = this.left;
    if (unused !== undefined) throw new WeightsError(`${unused} (of ${this.left.size} such) has no place in it`);
    this.writer.op('Identity', [output], {}, 'output');
    return makeModel({
      opset: OPSET,
      nodes: this.writer.nodes,
      initializers: this.writer.initializers,
      inputs: [tensorInfo('input', DataType.FLOAT, [1, channels, 'h', 'w'])],
      outputs: [tensorInfo('output', DataType.FLOAT, [1, channels, 'oh', 'ow'])],
    });
  }

  private stored(name: string): StoredTensor {
    const found = this.weights.get(name);
    if (!found) throw new WeightsError(`${name} is missing`);
    return found;
  }
}

/** The whole root of a number of phases, as pixel shuffles have them. @throws WeightsError */
export function rootOf(phases: number, what: string): number {
  const root = Math.round(Math.sqrt(phases));
  if (root < 1 || root > 8 || root ** 2 !== phases) throw new WeightsError(`${what} speaks of ${phases} phases`);
  return root;
}
