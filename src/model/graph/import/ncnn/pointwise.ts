import { float } from '../../onnx/node.js';
import { LIMITS, onlyInput, type Blob, type LayerKind, type NetBuilder } from './builder.js';
import type { Layer } from './layer.js';
import { floatsOf } from './weights.js';

const LARGEST = 3.4028234663852886e38;

function of(map: (layer: Layer, input: Blob, graph: NetBuilder) => Blob): LayerKind {
  return { build: (layer, inputs, _weights, graph) => [map(layer, onlyInput(layer, inputs), graph)] };
}

function operator(opType: string): LayerKind {
  return of((_layer, input, graph) => graph.map(opType, input));
}

const relu = of((layer, input, graph) => {
  const slope = layer.number(0, 0);
  return slope === 0 ? graph.map('Relu', input) : graph.map('LeakyRelu', input, [], { alpha: float(slope) });
});

const clip = of((layer, input, graph) => graph.clip(input, layer.number(0, -LARGEST), layer.number(1, LARGEST)));

const hardSigmoid = of((layer, input, graph) =>
  graph.map('HardSigmoid', input, [], { alpha: float(layer.number(0, 0.2)), beta: float(layer.number(1, 0.5)) }),
);

const hardSwish = of((layer, input, graph) => graph.hardSwish(input, layer.number(0, 0.2), layer.number(1, 0.5)));

const swish = of((_layer, input, graph) => graph.map('Mul', input, [graph.map('Sigmoid', input).name]));

const elu = of((layer, input, graph) => graph.map('Elu', input, [], { alpha: float(layer.number(0, 0.1)) }));

/** x / 2 (1 + erf(x / sqrt 2)). The fast form differs from it by less than 0.001, but it is another function. */
const gelu = of((layer, input, graph) => {
  if (layer.number(0, 0) !== 0) throw layer.unsupported('approximates GELU');
  const constant = (value: number): string => graph.writer.floats([value]);
  const erf = graph.map('Erf', graph.map('Mul', input, [constant(Math.SQRT1_2)]));
  return graph.map('Mul', graph.map('Mul', graph.map('Add', erf, [constant(1)]), [input.name]), [constant(0.5)]);
});

/** (shift + scale x) to a power. */
const power = of((layer, input, graph) => {
  const [exponent, scale, shift] = [layer.number(0, 1), layer.number(1, 1), layer.number(2, 0)];
  let result = input;
  if (scale !== 1) result = graph.map('Mul', result, [graph.writer.floats([scale])]);
  if (shift !== 0) result = graph.map('Add', result, [graph.writer.floats([shift])]);
  return exponent === 1 ? result : graph.map('Pow', result, [graph.writer.floats([exponent])]);
});

/** By its number (parameter 0). */
const UNARY: Readonly<Record<number, string>> = {
  0: 'Abs',
  1: 'Neg',
  2: 'Floor',
  3: 'Ceil',
  5: 'Sqrt',
  7: 'Exp',
  8: 'Log',
  9: 'Sin',
  10: 'Cos',
  15: 'Reciprocal',
  16: 'Tanh',
  18: 'Round',
};

const unary = of((layer, input, graph) => {
  const kind = layer.integer(0, 0, 0, 1000);
  if (kind === 4) return graph.map('Mul', input, [input.name]);
  if (kind === 6) return graph.map('Reciprocal', graph.map('Sqrt', input));
  const opType = UNARY[kind];
  if (opType === undefined) throw layer.unsupported(`computes the function ${kind}, which is not known here`);
  return graph.map(opType, input);
});

const dropout = of((layer, input, graph) => {
  const scale = layer.number(0, 1);
  return scale === 1 ? input : graph.map('Mul', input, [graph.writer.floats([scale])]);
});

const prelu: LayerKind = {
  weights: (layer, reader) => [reader.plain(layer, layer.integer(0, 0, 1, LIMITS.channels))],
  build: (layer, inputs, [slopes], graph) => {
    const input = onlyInput(layer, inputs);
    const values = floatsOf(slopes!);
    checkCount(layer, values, input);
    return [graph.map('PRelu', input, [graph.perChannel(values)])];
  },
};

/** By a factor and a summand for each channel, or by another blob. */
const scale: LayerKind = {
  weights: (layer, reader) => {
    if (layer.number(0, 0) === BY_BLOB) return [];
    const count = layer.integer(0, 0, 1, LIMITS.channels);
    return [reader.plain(layer, count), ...(layer.number(1, 0) !== 0 ? [reader.plain(layer, count)] : [])];
  },
  build: (layer, inputs, [factors, summands], graph) => {
    const [input, other, ...more] = inputs;
    if (!input || more.length > 0 || (other === undefined) !== (factors !== undefined)) {
      throw layer.invalid(`has ${inputs.length} inputs`);
    }
    if (other) {
      if (other.channels !== input.channels) throw layer.invalid('gets factors for another number of channels');
      return [graph.map('Mul', input, [other.name])];
    }
    const values = floatsOf(factors!);
    checkCount(layer, values, input);
    const scaled = graph.map('Mul', input, [graph.perChannel(values)]);
    return [summands ? graph.map('Add', scaled, [graph.perChannel(floatsOf(summands))]) : scaled];
  },
};

const BY_BLOB = -233;

/** (x - mean) / sqrt(variance + eps) slope + bias, with the statistics of the training: a factor and a summand by channel. */
const batchNorm: LayerKind = {
  weights: (layer, reader) => {
    const channels = layer.integer(0, 0, 1, LIMITS.channels);
    // Slopes, means, variances, biases.
    return [1, 2, 3, 4].map(() => reader.plain(layer, channels));
  },
  build: (layer, inputs, weights, graph) => {
    const input = onlyInput(layer, inputs);
    const [slopes, means, variances, biases] = weights.map(floatsOf) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    checkCount(layer, slopes, input);
    const eps = layer.number(1, 0);
    const factors = slopes.map((slope, at) => slope / Math.sqrt(variances[at]! + eps));
    if (!factors.every(Number.isFinite)) throw layer.invalid('divides by a variance of zero');
    const summands = biases.map((bias, at) => bias - means[at]! * factors[at]!);
    const scaled = graph.map('Mul', input, [graph.perChannel(factors)]);
    return [graph.map('Add', scaled, [graph.perChannel(summands)])];
  },
};

/** Throws MODEL_INVALID unless there is one value, or one for each channel. */
function checkCount(layer: Layer, values: Float32Array, { channels }: Blob): void {
  if (values.length === 1 || values.length === channels) return;
  throw layer.invalid(`has ${values.length} values for the ${channels} channels that it gets`);
}

/** Layers that compute each value from the one at its place. */
export const POINTWISE: Readonly<Record<string, LayerKind>> = {
  ReLU: relu,
  PReLU: prelu,
  Clip: clip,
  Sigmoid: operator('Sigmoid'),
  TanH: operator('Tanh'),
  Mish: of((_layer, input, graph) => graph.mish(input)),
  Swish: swish,
  HardSigmoid: hardSigmoid,
  HardSwish: hardSwish,
  ELU: elu,
  GELU: gelu,
  AbsVal: operator('Abs'),
  Power: power,
  UnaryOp: unary,
  Dropout: dropout,
  Scale: scale,
  BatchNorm: batchNorm,
};
