import { LIMITS, onlyInput, slid, type Blob, type LayerKind, type NetBuilder, type WeightSource } from './builder.js';
import type { Layer } from './layer.js';
import { constantOf, isVector, mapExtent, type Extent } from './size.js';
import { reorder, type Weights } from './weights.js';
import type { Sides } from '../../../../pixels.js';

/** Pads that make the output as long as the input, or its length divided by the stride. */
const SAME_UPPER = -233;
const SAME_LOWER = -234;

interface Shape {
  readonly outputs: number;
  /** Rows and columns. */
  readonly kernel: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly group: number;
  readonly hasBias: boolean;
  readonly weightCount: number;
}

function shapeOf(layer: Layer, grouped: boolean): Shape {
  const pair = (columns: number, rows: number, otherwise: number, high: number): [number, number] => {
    const width = layer.integer(columns, otherwise, 1, high);
    return [layer.integer(rows, width, 1, high), width];
  };
  if (layer.number(8, 0) !== 0) throw layer.unsupported('computes with int8');
  const dynamic = layer.type.startsWith('De') ? 28 : 19;
  if (layer.number(dynamic, 0) !== 0) throw layer.unsupported('computes its own weights');
  return {
    outputs: layer.integer(0, 0, 1, LIMITS.channels),
    kernel: pair(1, 11, 0, LIMITS.kernel),
    dilations: pair(2, 12, 1, LIMITS.kernel),
    strides: pair(3, 13, 1, LIMITS.stride),
    group: grouped ? layer.integer(7, 1, 1, LIMITS.channels) : 1,
    hasBias: layer.number(5, 0) !== 0,
    weightCount: layer.integer(6, 0, 1, 2 ** 31),
  };
}

function readWeights(grouped: boolean): (layer: Layer, reader: WeightSource) => Weights[] {
  return (layer, reader) => {
    const { outputs, hasBias, weightCount } = shapeOf(layer, grouped);
    return [reader.tagged(layer, weightCount), ...(hasBias ? [reader.plain(layer, outputs)] : [])];
  };
}

/** Input channels of each group. Throws MODEL_INVALID unless weights, groups and the input agree. */
function inputsPerGroup(layer: Layer, shape: Shape, input: Blob): number {
  const { outputs, kernel, group, weightCount } = shape;
  const perGroup = weightCount / (outputs * kernel[0] * kernel[1]);
  if (perGroup * group !== input.channels || outputs % group !== 0) {
    throw layer.invalid(
      `has ${weightCount} weights for ${outputs} outputs and kernels of ${kernel[1]} by ${kernel[0]}, which does not go ` +
        `with the ${input.channels} channels that it gets`,
    );
  }
  return perGroup;
}

/** The four pads as they are written; a missing one is as its opposite. */
function padsOf(layer: Layer): Sides {
  const read = (id: number, otherwise: number): number => {
    const value = layer.integer(id, otherwise, SAME_LOWER, LIMITS.border);
    if (value >= 0 || value === SAME_UPPER || value === SAME_LOWER) return value;
    throw layer.invalid(`has ${value} as a pad`);
  };
  const left = read(4, 0);
  const top = read(14, left);
  return { left, top, right: read(15, left), bottom: read(16, top) };
}

/** Pads in pixels, where they are to be found from the size. Throws MODEL_UNSUPPORTED where that differs by picture. */
function samePads(layer: Layer, length: Extent, extent: number, stride: number, upper: boolean): [number, number] {
  const total = constantOf(mapExtent(length, (n) => Math.max(0, extent + Math.floor((n - 1) / stride) * stride - n)));
  if (total === undefined) throw layer.unsupported('has pads that differ from picture to picture');
  const less = Math.floor(total / 2);
  return upper ? [less, total - less] : [total - less, less];
}

function convolution(grouped: boolean): LayerKind {
  return {
    weights: readWeights(grouped),
    build: (layer, inputs, [weights, bias], graph) => {
      const shape = shapeOf(layer, grouped);
      const { outputs, kernel, dilations, strides, group } = shape;
      let input = onlyInput(layer, inputs);
      const perGroup = inputsPerGroup(layer, shape, input);
      const [tall, wide] = kernel.map((size, at) => (size - 1) * dilations[at]! + 1) as [number, number];

      let { left, top, right, bottom } = padsOf(layer);
      if ([left, top, right, bottom].some((side) => side < 0)) {
        // One such pad is meant for all.
        const upper = [left, top, right, bottom].includes(SAME_UPPER);
        [top, bottom] = samePads(layer, input.size.h, tall, strides[0], upper);
        [left, right] = samePads(layer, input.size.w, wide, strides[1], upper);
      }
      const value = layer.number(18, 0);
      if (value !== 0) {
        input = graph.pad(input, { left, top, right, bottom }, 'constant', value);
        left = top = right = bottom = 0;
      }
      const size = {
        h: slid(layer, input.size.h, top, bottom, tall, strides[0]),
        w: slid(layer, input.size.w, left, right, wide, strides[1]),
      };
      const names = [input.name, graph.constant(weights!, [outputs, perGroup, ...kernel])];
      if (bias) names.push(graph.constant(bias, [outputs]));
      const name = graph.writer.op('Conv', names, {
        kernel_shape: kernel,
        ...(dilations.some((dilation) => dilation !== 1) && { dilations }),
        ...(strides.some((stride) => stride !== 1) && { strides }),
        ...([left, top, right, bottom].some((side) => side !== 0) && { pads: [top, left, bottom, right] }),
        ...(group !== 1 && { group }),
      });
      return [graph.activation(layer, { name, channels: outputs, size })];
    },
  };
}

/**
 * A transposed convolution: every input pixel adds its kernel to the output, from which the pads are then cut off. ncnn keeps
 * the weights by output and then input, ONNX the other way round.
 */
function deconvolution(grouped: boolean): LayerKind {
  return {
    weights: readWeights(grouped),
    build: (layer, inputs, [weights, bias], graph) => {
      const shape = shapeOf(layer, grouped);
      const { outputs, kernel, dilations, strides, group } = shape;
      const input = onlyInput(layer, inputs);
      const perGroup = inputsPerGroup(layer, shape, input);
      const outPerGroup = outputs / group;
      const { left, top, right, bottom } = padsOf(layer);
      const right2 = layer.integer(18, 0, 0, LIMITS.stride - 1);
      const bottom2 = layer.integer(19, right2, 0, LIMITS.stride - 1);
      if ([left, top, right, bottom].some((side) => side < 0) || layer.number(20, 0) !== 0) {
        throw layer.unsupported('makes an output of a fixed size');
      }
      const extent = kernel.map((size, at) => (size - 1) * dilations[at]! + 1) as [number, number];
      const spread = (length: Extent, at: 0 | 1, cut: number): Extent =>
        mapExtent(length, (n) => {
          const result = (n - 1) * strides[at] + extent[at] - cut;
          if (result < 1) throw layer.invalid('cuts off more than there is');
          return result;
        });
      const size = {
        h: spread(input.size.h, 0, top + bottom - bottom2),
        w: spread(input.size.w, 1, left + right - right2),
      };
      const transposed = reorder(weights!, kernel[0] * kernel[1], (block) => {
        const ofGroup = Math.floor(block / (perGroup * outPerGroup));
        const within = block % (perGroup * outPerGroup);
        const [from, to] = [Math.floor(within / outPerGroup), within % outPerGroup];
        return (ofGroup * outPerGroup + to) * perGroup + from;
      });
      const names = [input.name, graph.constant(transposed, [input.channels, outPerGroup, ...kernel])];
      if (bias) names.push(graph.constant(bias, [outputs]));
      const name = graph.writer.op('ConvTranspose', names, {
        kernel_shape: kernel,
        ...(dilations.some((dilation) => dilation !== 1) && { dilations }),
        strides,
        ...([left, top, right, bottom].some((side) => side !== 0) && { pads: [top, left, bottom, right] }),
        ...((right2 > 0 || bottom2 > 0) && { output_padding: [bottom2, right2] }),
        ...(group !== 1 && { group }),
      });
      return [graph.activation(layer, { name, channels: outputs, size })];
    },
  };
}

/** Fully connected: on what a mean over the picture left, which is a convolution of one pixel. */
const innerProduct: LayerKind = {
  weights: (layer, reader) => {
    if (layer.number(8, 0) !== 0) throw layer.unsupported('computes with int8');
    const outputs = layer.integer(0, 0, 1, LIMITS.channels);
    const weights = reader.tagged(layer, layer.integer(2, 0, 1, 2 ** 31));
    return [weights, ...(layer.number(1, 0) !== 0 ? [reader.plain(layer, outputs)] : [])];
  },
  build: (layer, inputs, [weights, bias], graph) => {
    const input = onlyInput(layer, inputs);
    const outputs = layer.integer(0, 0, 1, LIMITS.channels);
    if (!isVector(input.size))
      throw layer.unsupported('connects every pixel with every other, for one size of picture');
    if (weights!.count !== outputs * input.channels) {
      throw layer.invalid(
        `has ${weights!.count} weights, which does not go with ${outputs} outputs and the ${input.channels} values that it gets`,
      );
    }
    return [graph.activation(layer, pointwise(graph, input, outputs, weights!, bias))];
  },
};

function pointwise(graph: NetBuilder, input: Blob, outputs: number, weights: Weights, bias: Weights | undefined): Blob {
  const names = [input.name, graph.constant(weights, [outputs, input.channels, 1, 1])];
  if (bias) names.push(graph.constant(bias, [outputs]));
  return { ...input, channels: outputs, name: graph.writer.op('Conv', names, { kernel_shape: [1, 1] }) };
}

/** Layers with kernels of weights. */
export const CONVOLUTIONS: Readonly<Record<string, LayerKind>> = {
  Convolution: convolution(false),
  ConvolutionDepthWise: convolution(true),
  Deconvolution: deconvolution(false),
  DeconvolutionDepthWise: deconvolution(true),
  InnerProduct: innerProduct,
};
