import { LIMITS, onlyInput, type Blob, type LayerKind, type NetBuilder } from './builder.js';
import type { Layer } from './layer.js';
import { isVector, sameSize } from './size.js';

const REST = -233;

/** Several names for one blob: nodes may have any number of readers. */
const split: LayerKind = {
  build: (layer, inputs) => {
    const input = onlyInput(layer, inputs);
    return layer.outputs.map(() => input);
  },
};

const noop: LayerKind = {
  build: (layer, inputs) => {
    if (inputs.length !== layer.outputs.length) throw layer.invalid('must have as many outputs as inputs');
    return [...inputs];
  },
};

/** Throws MODEL_UNSUPPORTED unless the axis, the one before rows and columns, is that of the channels. */
function checkChannelAxis(layer: Layer, id: number): void {
  const axis = layer.number(id, 0);
  if (axis !== 0 && axis !== -3) throw layer.unsupported('puts pictures side by side');
}

const concat: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    checkChannelAxis(layer, 0);
    const [first] = inputs;
    if (!first) throw layer.invalid('has no inputs');
    if (inputs.some(({ size }) => !sameSize(size, first.size))) throw layer.invalid('joins blobs of different sizes');
    const channels = inputs.reduce((sum, input) => sum + input.channels, 0);
    if (channels > LIMITS.channels) throw layer.unsupported(`makes ${channels} channels`);
    const names = inputs.map(({ name }) => name);
    return [{ ...first, channels, name: graph.writer.op('Concat', names, { axis: 1 }) }];
  },
};

/** Channels in parts. */
const slice: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    checkChannelAxis(layer, 1);
    const input = onlyInput(layer, inputs);
    const sizes = layer.list(0);
    if (sizes.length !== layer.outputs.length) throw layer.invalid('must have as many sizes as outputs');
    let start = 0;
    return sizes.map((size, at) => {
      const left = input.channels - start;
      // Parts without a size share equally what is left.
      const length = size === REST ? Math.floor(left / (sizes.length - at)) : size;
      const last = at === sizes.length - 1;
      if (!Number.isInteger(length) || length < 1 || length > left || (last && length !== left)) {
        throw layer.invalid(`has parts that don't go with the ${input.channels} channels that it gets`);
      }
      start += length;
      return graph.channels(input, start - length, start);
    });
  },
};

const eltwise: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    const [first, ...others] = inputs;
    if (!first || others.length === 0) throw layer.invalid('has fewer than two inputs');
    if (others.some((other) => other.channels !== first.channels || !sameSize(other.size, first.size))) {
      throw layer.invalid('combines blobs of different sizes');
    }
    const opType = ['Mul', 'Add', 'Max'][layer.number(0, 0)];
    if (opType === undefined) throw layer.invalid(`has ${layer.number(0, 0)} as its operation`);
    const coefficients = opType === 'Add' ? layer.list(1) : [];
    if (coefficients.length > 0 && coefficients.length !== inputs.length) {
      throw layer.invalid('must have as many coefficients as inputs');
    }
    const terms = inputs.map((input, at) => {
      const coefficient = coefficients[at] ?? 1;
      return coefficient === 1 ? input : graph.map('Mul', input, [graph.writer.floats([coefficient])]);
    });
    return [terms.reduce((sum, term) => graph.map(opType, sum, [term.name]))];
  },
};

/** By its number (parameter 0); the reversed ones take their operands the other way round. */
const BINARY: readonly (readonly [opType: string, reversed: boolean])[] = [
  ['Add', false],
  ['Sub', false],
  ['Mul', false],
  ['Div', false],
  ['Max', false],
  ['Min', false],
  ['Pow', false],
  ['Sub', true],
  ['Div', true],
  ['Pow', true],
];

const binary: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    const kind = layer.integer(0, 0, 0, 1000);
    const [opType, reversed] = BINARY[kind] ?? [];
    if (opType === undefined) throw layer.unsupported(`computes the function ${kind}, which is not known here`);
    const scalar = layer.number(1, 0) !== 0;
    const [a, b, ...more] = inputs;
    if (!a || more.length > 0 || (b === undefined) !== scalar) throw layer.invalid(`has ${inputs.length} inputs`);
    const shape = b ? broadcast(layer, a, b) : a;
    const names = [a.name, b?.name ?? graph.writer.floats([layer.number(2, 0)])];
    return [combined(graph, shape, opType, reversed ? names.reverse() : names)];
  },
};

function combined(graph: NetBuilder, shape: Blob, opType: string, names: readonly string[]): Blob {
  return { ...shape, name: graph.writer.op(opType, names) };
}

/** The shape of two blobs together: of one size, or one of them a number for each channel or for each pixel. */
function broadcast(layer: Layer, a: Blob, b: Blob): Blob {
  const size = isVector(a.size) ? b.size : a.size;
  const channels = Math.max(a.channels, b.channels);
  const fits = [a, b].every(
    (blob) => (blob.channels === channels || blob.channels === 1) && (sameSize(blob.size, size) || isVector(blob.size)),
  );
  if (!fits) throw layer.invalid('combines blobs of different sizes');
  return { name: '', channels, size };
}

/** Layers that join, part and combine blobs. */
export const COMBINATIONS: Readonly<Record<string, LayerKind>> = {
  Split: split,
  Noop: noop,
  Concat: concat,
  Slice: slice,
  Eltwise: eltwise,
  BinaryOp: binary,
};
