import { intOf, intsOf, textOf } from '../onnx/node.js';
import type { NodeProto } from '../onnx/onnx_pb.js';
import type { Followed, Operator, Operators, Span } from './operator.js';
import { ONE, rational, times, toNumber, type Rational } from './rational.js';
import {
  CannotFollow,
  Contradiction,
  directionOf,
  isSpatial,
  plainAxis,
  resized,
  shapeOf,
  sizeOfAxis,
  withAxes,
  type Along,
  type Axis,
  type Value,
} from './value.js';

/** A window that slides along one axis. */
interface Window {
  /** Distance from its first to its last element: (kernel - 1) * dilation. */
  readonly extent: number;
  readonly before: number;
  readonly after: number;
  readonly stride: number;
}

/**
 * The last two axes of an NCHW tensor: the picture's, or what is left of them after a mean over the picture. Throws
 * Contradiction for a picture whose axes lie elsewhere: it was not meant for this operator.
 */
export function pictureAxes(value: Value): { rows: Axis; columns: Axis } {
  const [batch, channels, rows, columns] = value.axes;
  if (value.axes.length !== 4 || !batch || !channels || !rows || !columns)
    throw new CannotFollow('not four dimensions');
  if (isSpatial(batch) || isSpatial(channels))
    throw new Contradiction('the channels are not the second of four dimensions');
  for (const [axis, along] of [
    [rows, 'h'],
    [columns, 'w'],
  ] as const) {
    if (!isSpatial(axis) || directionOf(axis) === along) continue;
    if (directionOf(axis)) throw new Contradiction('rows and columns are not the last of four dimensions');
    throw new CannotFollow('a flattened picture');
  }
  return { rows, columns };
}

/** An NCHW picture with new channels, sizes and scales. */
export function picture(
  from: Value,
  channels: number,
  sizes: readonly [number, number],
  factor: Partial<Record<Along, Rational>>,
): Value {
  const { rows, columns } = pictureAxes(from);
  const scaled = (along: Along): Rational => times(from.scale[along] ?? ONE, factor[along] ?? ONE);
  const axes = [from.axes[0]!, plainAxis(channels), resized(rows, sizes[0]), resized(columns, sizes[1])];
  return withAxes(from, axes, { h: scaled('h'), w: scaled('w') });
}

/** Values of a tensor per input pixel. */
export function density(value: Value): number {
  const { h, w } = value.scale;
  if (!h || !w) return 0;
  const plain = value.axes
    .flat()
    .filter(({ along }) => along === undefined)
    .reduce((product, { size }) => product * size, 1);
  return plain * toNumber(h) * toNumber(w);
}

/** The windows of a convolution or a pool: of rows, then of columns. */
export function windowsOf(node: NodeProto, kernel: readonly number[], sizes: readonly number[]): Window[] {
  const strides = intsOf(node, 'strides') ?? [1, 1];
  const dilations = intsOf(node, 'dilations') ?? [1, 1];
  const pads = intsOf(node, 'pads') ?? [0, 0, 0, 0];
  const auto = textOf(node, 'auto_pad', 'NOTSET');
  return kernel.map((size, at) => {
    const stride = strides[at] ?? 1;
    const extent = (size - 1) * (dilations[at] ?? 1);
    let [before, after] = [pads[at] ?? 0, pads[at + 2] ?? 0];
    if (auto.startsWith('SAME')) {
      const total = Math.max(0, (Math.ceil(sizes[at]! / stride) - 1) * stride + extent + 1 - sizes[at]!);
      before = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      after = total - before;
    } else if (auto === 'VALID') [before, after] = [0, 0];
    if (before < 0 || after < 0) throw new CannotFollow('negative pads');
    return { extent, before, after, stride };
  });
}

function slide(window: Window, size: number, ceil: boolean): number {
  const steps = (size + window.before + window.after - window.extent - 1) / window.stride;
  return (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
}

function windowed(input: Value, channels: number, windows: readonly Window[], ceil = false): Followed {
  const { rows, columns } = pictureAxes(input);
  const [vertical, horizontal] = windows as [Window, Window];
  return {
    outputs: [
      picture(
        input,
        channels,
        [slide(vertical, sizeOfAxis(rows), ceil), slide(horizontal, sizeOfAxis(columns), ceil)],
        { h: rational(1, vertical.stride), w: rational(1, horizontal.stride) },
      ),
    ],
    demand: ({ first, last }, along): Span => {
      const { stride, before, extent } = along === 'h' ? vertical : horizontal;
      return { first: first * stride - before, last: last * stride - before + extent };
    },
  };
}

const conv: Operator = (node, [input, weights]) => {
  if (!input || !weights) throw new CannotFollow('inputs are missing');
  const [out = 0, inPerGroup = 0, ...kernel] = shapeOf(weights);
  if (kernel.length !== 2) throw new CannotFollow('not two-dimensional');
  const { rows, columns } = pictureAxes(input);
  const channels = sizeOfAxis(input.axes[1]!);
  const needed = inPerGroup * intOf(node, 'group', 1);
  if (channels !== needed) throw new Contradiction(`a convolution of ${needed} channels gets ${channels}`);
  const followed = windowed(input, out, windowsOf(node, kernel, [sizeOfAxis(rows), sizeOfAxis(columns)]));
  return { ...followed, mac: density(followed.outputs[0]!) * inPerGroup * kernel[0]! * kernel[1]! };
};

const convTranspose: Operator = (node, [input, weights]) => {
  if (!input || !weights) throw new CannotFollow('inputs are missing');
  const [channelsIn = 0, outPerGroup = 0, ...kernel] = shapeOf(weights);
  if (kernel.length !== 2) throw new CannotFollow('not two-dimensional');
  const { rows, columns } = pictureAxes(input);
  const channels = sizeOfAxis(input.axes[1]!);
  if (channels !== channelsIn) throw new Contradiction(`a convolution of ${channelsIn} channels gets ${channels}`);
  if (intsOf(node, 'output_shape')) throw new CannotFollow('a fixed output size');
  const strides = intsOf(node, 'strides') ?? [1, 1];
  const dilations = intsOf(node, 'dilations') ?? [1, 1];
  const pads = intsOf(node, 'pads') ?? [0, 0, 0, 0];
  const extra = intsOf(node, 'output_padding') ?? [0, 0];
  const auto = textOf(node, 'auto_pad', 'NOTSET');
  const axes = kernel.map((size, at) => {
    const stride = strides[at]!;
    const extent = (size - 1) * dilations[at]!;
    let [before, after] = [pads[at]!, pads[at + 2]!];
    if (auto.startsWith('SAME')) {
      const total = Math.max(0, extent + 1 + extra[at]! - stride);
      before = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      after = total - before;
    }
    return { stride, extent, before, after, extra: extra[at]! };
  });
  const size = (at: 0 | 1, from: number): number => {
    const { stride, extent, before, after, extra: more } = axes[at]!;
    return (from - 1) * stride + extent + 1 + more - before - after;
  };
  const output = picture(
    input,
    outPerGroup * intOf(node, 'group', 1),
    [size(0, sizeOfAxis(rows)), size(1, sizeOfAxis(columns))],
    { h: rational(strides[0]!), w: rational(strides[1]!) },
  );
  return {
    outputs: [output],
    // Each input pixel is spread over a kernel of every output channel.
    mac: density(input) * outPerGroup * kernel[0]! * kernel[1]!,
    demand: ({ first, last }, along): Span => {
      const { stride, extent, before, after, extra: more } = axes[along === 'h' ? 0 : 1]!;
      return {
        // The second terms: a tile must be large enough for its own output to reach that far before the pads cut it.
        first: Math.min(Math.ceil((first + before - extent) / stride), Math.floor(first / stride)),
        last: Math.max(
          Math.floor((last + before) / stride),
          Math.ceil((last + before + after - extent - more) / stride),
        ),
      };
    },
  };
};

const pool: Operator = (node, [input]) => {
  const { rows, columns } = pictureAxes(input!);
  if (node.output.slice(1).some((name) => name !== '')) throw new CannotFollow('indices as an output');
  const kernel = intsOf(node, 'kernel_shape') ?? [];
  const windows = windowsOf(node, kernel, [sizeOfAxis(rows), sizeOfAxis(columns)]);
  return windowed(input!, sizeOfAxis(input!.axes[1]!), windows, intOf(node, 'ceil_mode', 0) === 1);
};

/** What an operator pools by its name: only these can be put together from parts. */
const POOLS: Readonly<Record<string, 'mean' | 'max' | undefined>> = {
  GlobalAveragePool: 'mean',
  ReduceMean: 'mean',
  GlobalMaxPool: 'max',
  ReduceMax: 'max',
};

/** Tells of an operator that reduces rows and columns and nothing else. */
export function poolOf(opType: string, input: Value, axes: readonly number[]): Pick<Followed, 'pool'> {
  const kind = POOLS[opType];
  const directions = axes.map((axis) => directionOf(input.axes[axis]!));
  const both = axes.length === 2 && directions.includes('h') && directions.includes('w');
  return kind && both ? { pool: kind } : {};
}

const globalPool: Operator = (node, [input]) => ({
  ...poolOf(node.opType, input!, [2, 3]),
  outputs: [
    withAxes(
      input!,
      input!.axes.map((axis, index) => (index < 2 ? axis : [])),
    ),
  ],
  global: true,
});

const depthToSpace: Operator = (node, [input]) => {
  const block = intOf(node, 'blocksize', 1);
  const { rows, columns } = pictureAxes(input!);
  const channels = sizeOfAxis(input!.axes[1]!) / block ** 2;
  if (!Number.isInteger(channels)) throw new Contradiction('channels are no multiple of the block');
  return {
    outputs: [
      picture(input!, channels, [sizeOfAxis(rows) * block, sizeOfAxis(columns) * block], {
        h: rational(block),
        w: rational(block),
      }),
    ],
    demand: (span) => gathered(span, block),
  };
};

const spaceToDepth: Operator = (node, [input]) => {
  const block = intOf(node, 'blocksize', 1);
  const { rows, columns } = pictureAxes(input!);
  const factor = rational(1, block);
  return {
    outputs: [
      picture(
        input!,
        sizeOfAxis(input!.axes[1]!) * block ** 2,
        [sizeOfAxis(rows) / block, sizeOfAxis(columns) / block],
        { h: factor, w: factor },
      ),
    ],
    demand: (span) => scattered(span, block),
  };
};

/** Rows that blocks of rows were interleaved from. */
export function gathered({ first, last }: Span, block: number): Span {
  return { first: Math.floor(first / block), last: Math.floor(last / block) };
}

/** Rows that were split into blocks. */
export function scattered({ first, last }: Span, block: number): Span {
  return { first: first * block, last: last * block + block - 1 };
}

/** Operators whose output pixels come from a neighbourhood. */
export const WINDOWS: Operators = {
  Conv: conv,
  ConvTranspose: convTranspose,
  AveragePool: pool,
  MaxPool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
