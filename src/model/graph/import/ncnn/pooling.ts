import { LIMITS, onlyInput, slid, type LayerKind } from './builder.js';
import type { Layer } from './layer.js';
import { constantOf, mapExtent, VECTOR, type Extent } from './size.js';

/** What is done about windows that reach beyond the end (parameter 5). */
const PAD_MODE = { full: 0, valid: 1, sameUpper: 2, sameLower: 3 } as const;

interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
  readonly after: number;
}

/** The pads that a pooling layer uses in the end. Throws MODEL_UNSUPPORTED where they differ by picture. */
function resolve(layer: Layer, length: Extent, axis: Axis, mode: number): Axis {
  const { kernel, stride, before, after } = axis;
  const agreed = (value: Extent): number => {
    const result = constantOf(value);
    if (result === undefined) throw layer.unsupported('has pads that differ from picture to picture');
    return result;
  };
  switch (mode) {
    case PAD_MODE.valid:
      return axis;
    case PAD_MODE.full: {
      // The last window is completed beyond the end.
      const tail = agreed(mapExtent(length, (n) => Math.max(0, n + before + after - kernel) % stride));
      return { ...axis, after: after + (tail === 0 ? 0 : stride - tail) };
    }
    case PAD_MODE.sameUpper:
    case PAD_MODE.sameLower: {
      const total = agreed(mapExtent(length, (n) => Math.max(0, kernel + Math.floor((n - 1) / stride) * stride - n)));
      const less = Math.floor(total / 2);
      const [first, last] = mode === PAD_MODE.sameUpper ? [less, total - less] : [total - less, less];
      return { ...axis, before: first, after: last };
    }
    default:
      throw layer.invalid(`has ${mode} as its way to pad`);
  }
}

const pooling: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    const input = onlyInput(layer, inputs);
    const kind = ['Max', 'Average'][layer.number(0, 0)];
    if (kind === undefined) throw layer.invalid(`has ${layer.number(0, 0)} as its kind`);
    const adaptive = layer.number(7, 0) !== 0;
    if (adaptive && (layer.number(8, 0) !== 1 || layer.number(18, layer.number(8, 0)) !== 1)) {
      throw layer.unsupported('makes an output of a fixed size');
    }
    if (adaptive || layer.number(4, 0) !== 0) {
      return [{ ...graph.map(`Global${kind}Pool`, input), size: VECTOR }];
    }
    const kernelW = layer.integer(1, 0, 1, LIMITS.kernel);
    const strideW = layer.integer(2, 1, 1, LIMITS.stride);
    const left = layer.integer(3, 0, 0, LIMITS.kernel);
    const top = layer.integer(13, left, 0, LIMITS.kernel);
    const mode = layer.number(5, 0);
    const columns = resolve(
      layer,
      input.size.w,
      { kernel: kernelW, stride: strideW, before: left, after: layer.integer(14, left, 0, LIMITS.kernel) },
      mode,
    );
    const rows = resolve(
      layer,
      input.size.h,
      {
        kernel: layer.integer(11, kernelW, 1, LIMITS.kernel),
        stride: layer.integer(12, strideW, 1, LIMITS.stride),
        before: top,
        after: layer.integer(15, top, 0, LIMITS.kernel),
      },
      mode,
    );
    if ([rows, columns].some(({ kernel, before, after }) => Math.max(before, after) >= kernel)) {
      throw layer.unsupported('has windows that lie beyond the picture as a whole');
    }
    const name = graph.writer.op(`${kind}Pool`, [input.name], {
      kernel_shape: [rows.kernel, columns.kernel],
      strides: [rows.stride, columns.stride],
      pads: [rows.before, columns.before, rows.after, columns.after],
      ...(kind === 'Average' && { count_include_pad: layer.number(6, 0) !== 0 ? 1 : 0 }),
    });
    const along = (length: Extent, { before, after, kernel, stride }: Axis): Extent =>
      slid(layer, length, before, after, kernel, stride);
    return [
      { name, channels: input.channels, size: { h: along(input.size.h, rows), w: along(input.size.w, columns) } },
    ];
  },
};

/** Layers that reduce windows, or the whole picture, to one value. */
export const POOLINGS: Readonly<Record<string, LayerKind>> = { Pooling: pooling };
