import type { Weight } from './weights.js';
import { activate } from './activations.js';
import type { LayerReader } from './layer-reader.js';

type Pair = readonly [number, number];

/** Kernel [rows, columns, in, out] -> [out, in, rows, columns]. */
function planar({ dims, values }: Weight): Float32Array {
  const [rows = 0, columns = 0, read = 0, out = 0] = dims;
  const taps = rows * columns;
  const result = new Float32Array(values.length);
  for (let tap = 0; tap < taps; tap++) {
    for (let from = 0; from < read; from++) {
      for (let to = 0; to < out; to++)
        result[(to * read + from) * taps + tap] = values[(tap * read + from) * out + to]!;
    }
  }
  return result;
}

/** Strides, dilations and padding of a convolution as ONNX has them. */
function windowOf(reader: LayerReader, kernel: Pair): Record<string, string | readonly number[]> {
  reader.requireChannelsLast();
  const strides = reader.pair('strides', 1);
  const dilations = reader.pair('dilation_rate', 1);
  const common = { kernel_shape: kernel, strides, dilations };
  switch (reader.text('padding', 'valid')) {
    case 'valid':
      return common;
    case 'same': {
      // With strides the padding depends on the size, the same way in both.
      if (Math.max(...strides) > 1) {
        if (Math.max(...dilations) > 1) throw reader.unsupported('has both strides and dilation');
        return { kernel_shape: kernel, strides, auto_pad: 'SAME_UPPER' };
      }
      const total = kernel.map((size, at) => (size - 1) * dilations[at]!);
      const before = total.map((size) => Math.floor(size / 2));
      return { ...common, pads: [...before, ...total.map((size, at) => size - before[at]!)] };
    }
    default:
      throw reader.unsupported(`has the padding ${JSON.stringify(reader.text('padding', ''))}`);
  }
}

function finish(
  reader: LayerReader,
  type: string,
  input: string,
  parts: {
    weights: Float32Array;
    dims: readonly number[];
    channels: number;
    attributes: Record<string, string | number | readonly number[]>;
  },
): string {
  const { writer } = reader;
  const inputs = [input, writer.floats(parts.weights, parts.dims)];
  if (reader.flag('use_bias', true))
    inputs.push(writer.floats(reader.perChannel('bias', parts.channels), [parts.channels]));
  return activate(reader, writer.op(type, inputs, parts.attributes), reader.text('activation', 'linear'));
}

/** Conv2D, grouped too. */
export function conv2d(reader: LayerReader): string {
  const kernel = reader.pair('kernel_size', 1);
  const weight = reader.weight('kernel', 4);
  reader.requireKernel(weight, kernel);
  const [, , read = 0, out = 0] = weight.dims;
  const group = reader.number('groups', 1);
  return finish(reader, 'Conv', reader.input, {
    weights: planar(weight),
    dims: [out, read, ...kernel],
    channels: out,
    attributes: { ...windowOf(reader, kernel), ...(group !== 1 && { group }) },
  });
}

/** Weights of a depthwise convolution: [rows, columns, channels, multiplier] -> [channels * multiplier, 1, rows, columns]. */
function depthwise(weight: Weight): { weights: Float32Array; dims: number[]; group: number } {
  const [rows = 0, columns = 0, channels = 0, multiplier = 0] = weight.dims;
  const joined = { dims: [rows, columns, 1, channels * multiplier], values: weight.values };
  return { weights: planar(joined), dims: [channels * multiplier, 1, rows, columns], group: channels };
}

/** DepthwiseConv2D. */
export function depthwiseConv2d(reader: LayerReader): string {
  const kernel = reader.pair('kernel_size', 1);
  const weight = reader.weight('depthwise_kernel', 4);
  reader.requireKernel(weight, kernel);
  const { weights, dims, group } = depthwise(weight);
  const attributes = { ...windowOf(reader, kernel), group };
  return finish(reader, 'Conv', reader.input, { weights, dims, channels: dims[0]!, attributes });
}

/** SeparableConv2D: depthwise, then 1x1. */
export function separableConv2d(reader: LayerReader): string {
  const kernel = reader.pair('kernel_size', 1);
  const weight = reader.weight('depthwise_kernel', 4);
  reader.requireKernel(weight, kernel);
  const { weights, dims, group } = depthwise(weight);
  const { writer } = reader;
  const planes = writer.op('Conv', [reader.input, writer.floats(weights, dims)], {
    ...windowOf(reader, kernel),
    group,
  });
  const mix = reader.weight('pointwise_kernel', 4);
  const [, , read = 0, out = 0] = mix.dims;
  reader.requireKernel(mix, [1, 1]);
  return finish(reader, 'Conv', planes, {
    weights: planar(mix),
    dims: [out, read, 1, 1],
    channels: out,
    attributes: { kernel_shape: [1, 1] },
  });
}

/** Conv2DTranspose. */
export function conv2dTranspose(reader: LayerReader): string {
  reader.requireChannelsLast();
  const kernel = reader.pair('kernel_size', 1);
  const strides = reader.pair('strides', 1);
  if (Math.max(...reader.pair('dilation_rate', 1)) > 1) throw reader.unsupported('has a dilation');
  if ((reader.layer.config.output_padding ?? null) !== null) throw reader.unsupported('has an output padding');
  const weight = reader.weight('kernel', 4);
  reader.requireKernel(weight, kernel);
  // Stored as [rows, columns, out, in]; ONNX wants [in, out, rows, columns], which is the same change of order.
  const [, , out = 0, read = 0] = weight.dims;
  const padding = reader.text('padding', 'valid');
  if (padding !== 'valid' && padding !== 'same') throw reader.unsupported(`has the padding "${padding}"`);
  // "same" makes it size * stride: what the kernel reaches beyond is cut off, more of it after than before.
  const excess = kernel.map((size, at) => (padding === 'same' ? Math.max(0, size - strides[at]!) : 0));
  const before = excess.map((size) => Math.floor(size / 2));
  return finish(reader, 'ConvTranspose', reader.input, {
    weights: planar(weight),
    dims: [read, out, ...kernel],
    channels: out,
    attributes: {
      kernel_shape: kernel,
      strides,
      pads: [...before, ...excess.map((size, at) => size - before[at]!)],
      output_padding: kernel.map((size, at) => Math.max(0, strides[at]! - size)),
    },
  });
}
