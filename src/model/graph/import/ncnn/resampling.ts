import { float } from '../../onnx/node.js';
import { LIMITS, onlyInput, type Blob, type LayerKind, type NetBuilder } from './builder.js';
import type { Layer } from './layer.js';
import { growthOf, mapExtent, type Extent } from './size.js';

/** Floats of kernels that are the same for every channel, and have to be repeated for each. */
const MAX_KERNEL_VALUES = 2 ** 22;

/** An enlargement by num / den. */
interface Factor {
  readonly num: number;
  readonly den: number;
}

const pixelShuffle: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    const input = onlyInput(layer, inputs);
    const block = layer.integer(0, 1, 1, LIMITS.factor);
    const channels = input.channels / block ** 2;
    if (!Number.isInteger(channels)) throw layer.invalid(`makes blocks of ${block} from ${input.channels} channels`);
    const mode = layer.number(1, 0) === 0 ? 'CRD' : 'DCR';
    return [shuffled(graph, input, channels, block, mode)];
  },
};

function shuffled(graph: NetBuilder, input: Blob, channels: number, blocksize: number, mode: 'CRD' | 'DCR'): Blob {
  return {
    name: graph.writer.op('DepthToSpace', [input.name], { blocksize, mode }),
    channels,
    size: { h: mapExtent(input.size.h, (h) => h * blocksize), w: mapExtent(input.size.w, (w) => w * blocksize) },
  };
}

/** Blocks of pixels as channels. */
const reorg: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    const input = onlyInput(layer, inputs);
    const block = layer.integer(0, 1, 1, LIMITS.factor);
    const size = { h: divided(layer, input.size.h, block), w: divided(layer, input.size.w, block) };
    const channels = input.channels * block ** 2;
    if (channels > LIMITS.channels) throw layer.unsupported(`makes ${channels} channels`);
    if (layer.number(1, 0) !== 0) {
      return [{ name: graph.writer.op('SpaceToDepth', [input.name], { blocksize: block }), channels, size }];
    }
    // ONNX has no operator for this order: a kernel with a single 1 for each pixel of the block picks the same values.
    const kernels = Array.from({ length: block ** 4 }, (_, at) => (at % (block ** 2 + 1) === 0 ? 1 : 0));
    return [perChannelConvolution(layer, graph, input, kernels, [block, block], block)];
  },
};

function divided(layer: Layer, extent: Extent, by: number): Extent {
  if (extent.some((length) => length % by !== 0)) throw layer.unsupported('makes blocks of something uneven');
  return mapExtent(extent, (length) => length / by);
}

/**
 * The same kernels for every channel, one output for each of them. Channels never mix, not even as 0 x.
 * @param kernels values of one kernel after another, rows first
 */
function perChannelConvolution(
  layer: Layer,
  graph: NetBuilder,
  input: Blob,
  kernels: readonly number[],
  [tall, wide]: readonly [number, number],
  stride: number,
): Blob {
  if (kernels.length * input.channels > MAX_KERNEL_VALUES) throw layer.unsupported('resamples too many channels');
  const count = kernels.length / (tall * wide);
  const repeated = Array.from({ length: input.channels }, () => kernels).flat();
  const weights = graph.writer.floats(repeated, [count * input.channels, 1, tall, wide]);
  const name = graph.writer.op('Conv', [input.name, weights], {
    kernel_shape: [tall, wide],
    strides: [stride, stride],
    group: input.channels,
  });
  const along = (extent: Extent, side: number): Extent => mapExtent(extent, (n) => Math.floor((n - side) / stride) + 1);
  return {
    name,
    channels: count * input.channels,
    size: { h: along(input.size.h, tall), w: along(input.size.w, wide) },
  };
}

const interp: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    const [input, reference, ...more] = inputs;
    if (!input || more.length > 0) throw layer.invalid(`has ${inputs.length} inputs`);
    const kind = KINDS[layer.number(0, 0)];
    if (!kind) throw layer.invalid(`has ${layer.number(0, 0)} as its kind`);
    if (!reference && (layer.number(3, 0) !== 0 || layer.number(4, 0) !== 0)) {
      throw layer.unsupported('makes an output of a fixed size');
    }
    const rows = reference ? factorTo(layer, input.size.h, reference.size.h) : rational(layer, layer.number(1, 1));
    const columns = reference ? factorTo(layer, input.size.w, reference.size.w) : rational(layer, layer.number(2, 1));
    if (rows.num !== columns.num || rows.den !== columns.den) {
      throw layer.unsupported('enlarges rows and columns by different factors');
    }
    const factor = rows;
    if (factor.num === factor.den) return [input];
    if (layer.number(6, 0) !== 0 && kind !== 'nearest') return [stretched(graph, input, kind, factor)];
    if (kind === 'nearest' && factor.den === 1) return [repeatPicture(graph, input, factor.num)];
    return [polyphase(layer, graph, input, kind, factor)];
  },
};

const KINDS = [undefined, 'nearest', 'linear', 'cubic'] as const;
type Kind = NonNullable<(typeof KINDS)[number]>;

/** ncnn's cubic kernel, which is also PyTorch's and OpenCV's. */
const CUBIC_A = -0.75;

/** Every pixel as a block of equal ones. */
export function repeatPicture(graph: NetBuilder, input: Blob, factor: number): Blob {
  return resized(
    graph,
    input,
    { num: factor, den: 1 },
    {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    },
  );
}

/** The picture's corners on the corners of the result: every pixel depends on the size of the whole. */
function stretched(graph: NetBuilder, input: Blob, mode: 'linear' | 'cubic', factor: Factor): Blob {
  return resized(graph, input, factor, {
    mode,
    coordinate_transformation_mode: 'align_corners',
    ...(mode === 'cubic' && { cubic_coeff_a: float(CUBIC_A) }),
  });
}

function resized(
  graph: NetBuilder,
  input: Blob,
  { num, den }: Factor,
  attributes: Parameters<NetBuilder['map']>[3],
): Blob {
  const scales = graph.writer.floats([1, 1, num / den, num / den], [4]);
  const grow = (extent: Extent): Extent => mapExtent(extent, (length) => Math.floor((length * num) / den));
  return {
    ...graph.map('Resize', input, ['', scales], attributes),
    size: { h: grow(input.size.h), w: grow(input.size.w) },
  };
}

/**
 * Resampling by num / den as a convolution with a stride of den and an output for each of the num x num phases, which are then
 * interleaved; the border pixels are repeated. It is what Resize computes, but Resize takes its weights from coordinates in
 * float32, whose last bits depend on where the picture begins: its tiles would not equal the whole.
 */
function polyphase(layer: Layer, graph: NetBuilder, input: Blob, kind: Kind, { num, den }: Factor): Blob {
  divided(layer, input.size.h, den);
  divided(layer, input.size.w, den);
  const phases = Array.from({ length: num }, (_, phase) => tapsOf(kind, phase, num, den));
  const positions = phases.flatMap((taps) => [...taps.keys()]);
  const before = Math.max(0, -Math.min(...positions));
  const after = Math.max(0, Math.max(...positions) - (den - 1));
  const side = before + den + after;
  const kernels = phases.flatMap((rows) =>
    phases.flatMap((columns) =>
      Array.from({ length: side * side }, (_, at) => {
        const row = rows.get(Math.floor(at / side) - before) ?? 0;
        return row * (columns.get((at % side) - before) ?? 0);
      }),
    ),
  );
  const padded = graph.pad(input, { left: before, top: before, right: after, bottom: after }, 'edge');
  const result = perChannelConvolution(layer, graph, padded, kernels, [side, side], den);
  return num === 1 ? result : shuffled(graph, result, input.channels, num, 'CRD');
}

/** Weights by input pixel, counted from the first of a block of `den`, for one of the `num` pixels that it becomes. */
function tapsOf(kind: Kind, phase: number, num: number, den: number): Map<number, number> {
  if (kind === 'nearest') return new Map([[Math.floor((phase * den) / num), 1]]);
  const centre = ((phase + 0.5) * den) / num - 0.5;
  const first = Math.floor(centre);
  const x = centre - first;
  if (kind === 'linear') {
    return new Map([
      [first, 1 - x],
      [first + 1, x],
    ]);
  }
  // Keys' kernel (1981) at the four distances; the last weight makes the sum 1.
  const near = (d: number): number => (CUBIC_A + 2) * d ** 3 - (CUBIC_A + 3) * d ** 2 + 1;
  const far = (d: number): number => CUBIC_A * (d ** 3 - 5 * d ** 2 + 8 * d - 4);
  const weights = [far(x + 1), near(x), near(1 - x)];
  weights.push(1 - weights.reduce((sum, weight) => sum + weight, 0));
  return new Map(weights.map((weight, at) => [first - 1 + at, weight]));
}

/** The fraction that a decimal number stands for. */
function rational(layer: Layer, value: number): Factor {
  for (let den = 1; den <= LIMITS.factor; den++) {
    const num = Math.round(value * den);
    if (num > 0 && num <= LIMITS.factor && Math.abs(value - num / den) < 1e-5) return { num, den };
  }
  throw layer.unsupported(`resamples by ${value}, which is no fraction of small numbers`);
}

/** From one blob's length to that of another. */
function factorTo(layer: Layer, from: Extent, to: Extent): Factor {
  const [own, wanted] = [growthOf(from), growthOf(to)];
  const factor = rational(layer, wanted.factor / own.factor);
  if (from.every((length, at) => (length * factor.num) / factor.den === to[at])) return factor;
  throw layer.unsupported('resamples by a factor that differs from picture to picture');
}

/** Layers that make pictures of another size. */
export const RESAMPLINGS: Readonly<Record<string, LayerKind>> = {
  PixelShuffle: pixelShuffle,
  Reorg: reorg,
  Interp: interp,
};
