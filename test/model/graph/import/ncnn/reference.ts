// A plain evaluation of ncnn's layers, from the description of its operators and for nothing but comparison: no loop is
// clever, and nothing is shared with the importer.
import type { NcnnLayer } from './network.js';

/** Values by channel, row and column. */
export interface Picture {
  c: number;
  h: number;
  w: number;
  data: Float64Array;
}

export function picture(c: number, h: number, w: number, at: (c: number, y: number, x: number) => number): Picture {
  if (h < 1 || w < 1) throw new RangeError('nothing is left of the picture');
  const data = new Float64Array(c * h * w);
  for (let i = 0; i < data.length; i++) data[i] = at(Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w);
  return { c, h, w, data };
}

export function value({ h, w, data }: Picture, c: number, y: number, x: number): number {
  return data[(c * h + y) * w + x]!;
}

/** The value at a place, or of the nearest place inside. */
function clamped(from: Picture, c: number, y: number, x: number): number {
  return value(from, c, Math.min(Math.max(y, 0), from.h - 1), Math.min(Math.max(x, 0), from.w - 1));
}

/** The picture with its border pixels repeated. */
export function grown(from: Picture, border: number): Picture {
  return picture(from.c, from.h + 2 * border, from.w + 2 * border, (c, y, x) =>
    clamped(from, c, y - border, x - border),
  );
}

export function cut(from: Picture, top: number, left: number, h: number, w: number): Picture {
  return picture(from.c, h, w, (c, y, x) => value(from, c, y + top, x + left));
}

type Evaluation = (inputs: Picture[], layer: NcnnLayer) => Picture[];

/** The blob that nothing reads. */
export function evaluate(layers: readonly NcnnLayer[], data: Picture): Picture {
  const blobs = new Map<string, Picture>();
  const unread = new Set<string>();
  for (const layer of layers) {
    const inputs = (layer.inputs ?? []).map((name) => {
      unread.delete(name);
      return blobs.get(name)!;
    });
    const outputs = layer.type === 'Input' ? [data] : EVALUATIONS[layer.type]!(inputs, layer);
    layer.outputs.forEach((name, at) => {
      blobs.set(name, outputs[at]!);
      unread.add(name);
    });
  }
  return blobs.get([...unread][0]!)!;
}

/**
 * What a network that enlarges by `scale` makes of a whole picture: with the smallest border of repeated pixels that leaves no
 * part of the output out, and what is too much cut off.
 * @param least a border that is known to be needed: the search begins there
 */
export function enlarged(layers: readonly NcnnLayer[], data: Picture, scale: number, least = 0): Picture {
  const [h, w] = [data.h * scale, data.w * scale];
  for (let border = least; ; border++) {
    const output = evaluateOrNothing(layers, grown(data, border));
    if (!output || output.h < h || output.w < w) continue;
    return cut(output, Math.floor((output.h - h) / 2), Math.floor((output.w - w) / 2), h, w);
  }
}

function evaluateOrNothing(layers: readonly NcnnLayer[], data: Picture): Picture | undefined {
  try {
    return evaluate(layers, data);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Output pixels for each input pixel that a picture has more. */
export function scaleOf(layers: readonly NcnnLayer[], channels: number): number {
  const [less, more] = [32, 48].map(
    (size) =>
      evaluate(
        layers,
        picture(channels, size, size, () => 0),
      ).h,
  );
  return (more! - less!) / 16;
}

function number({ params = {} }: NcnnLayer, id: number, otherwise: number): number {
  const found = params[id];
  return typeof found === 'number' ? found : otherwise;
}

function list({ params = {} }: NcnnLayer, id: number): readonly number[] {
  const found = params[id];
  return typeof found === 'object' ? found : [];
}

function each(map: (value: number, layer: NcnnLayer, channel: number) => number): Evaluation {
  return ([from], layer) => [picture(from!.c, from!.h, from!.w, (c, y, x) => map(value(from!, c, y, x), layer, c))];
}

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
const mish = (v: number): number => v * Math.tanh(Math.log(Math.exp(v) + 1));
const hardSigmoid = (v: number, alpha: number, beta: number): number => Math.min(Math.max(v * alpha + beta, 0), 1);

function activate(from: Picture, layer: NcnnLayer): Picture {
  const [a = 0, b = 0] = list(layer, 10);
  const functions = [
    (v: number) => v,
    (v: number) => Math.max(v, 0),
    (v: number) => (v > 0 ? v : v * a),
    (v: number) => Math.min(Math.max(v, a), b),
    sigmoid,
    mish,
    (v: number) => v * hardSigmoid(v, a, b),
  ];
  return { ...from, data: from.data.map(functions[number(layer, 9, 0)]!) };
}

/** Kernel, dilation and stride of columns, then of rows. */
function windows(layer: NcnnLayer): { kw: number; kh: number; dw: number; dh: number; sw: number; sh: number } {
  const kw = number(layer, 1, 0);
  const dw = number(layer, 2, 1);
  const sw = number(layer, 3, 1);
  return { kw, dw, sw, kh: number(layer, 11, kw), dh: number(layer, 12, dw), sh: number(layer, 13, sw) };
}

function pads(layer: NcnnLayer): { left: number; right: number; top: number; bottom: number } {
  const left = number(layer, 4, 0);
  const top = number(layer, 14, left);
  return { left, top, right: number(layer, 15, left), bottom: number(layer, 16, top) };
}

const convolution: Evaluation = ([from], layer) => {
  const { kw, kh, dw, dh, sw, sh } = windows(layer);
  const outputs = number(layer, 0, 0);
  const group = number(layer, 7, 1);
  const [extentW, extentH] = [(kw - 1) * dw + 1, (kh - 1) * dh + 1];
  let { left, right, top, bottom } = pads(layer);
  if (left < 0) {
    const upper = left === -233;
    const [w, h] = [
      Math.max(0, extentW + Math.floor((from!.w - 1) / sw) * sw - from!.w),
      Math.max(0, extentH + Math.floor((from!.h - 1) / sh) * sh - from!.h),
    ];
    left = upper ? Math.floor(w / 2) : Math.ceil(w / 2);
    top = upper ? Math.floor(h / 2) : Math.ceil(h / 2);
    [right, bottom] = [w - left, h - top];
  }
  const filler = number(layer, 18, 0);
  const padded = picture(from!.c, from!.h + top + bottom, from!.w + left + right, (c, y, x) => {
    const [row, column] = [y - top, x - left];
    return row < 0 || column < 0 || row >= from!.h || column >= from!.w ? filler : value(from!, c, row, column);
  });
  const [{ values }, bias] = layer.weights as [{ values: Float32Array }, { values: Float32Array } | undefined];
  const perGroup = from!.c / group;
  const h = Math.floor((padded.h - extentH) / sh) + 1;
  const w = Math.floor((padded.w - extentW) / sw) + 1;
  const result = picture(outputs, h, w, (c, y, x) => {
    let sum = bias?.values[c] ?? 0;
    const first = Math.floor(c / (outputs / group)) * perGroup;
    let weight = c * perGroup * kh * kw;
    for (let q = 0; q < perGroup; q++) {
      for (let i = 0; i < kh; i++) {
        const row = ((first + q) * padded.h + y * sh + i * dh) * padded.w + x * sw;
        for (let j = 0; j < kw; j++) sum += values[weight++]! * padded.data[row + j * dw]!;
      }
    }
    return sum;
  });
  return [activate(result, layer)];
};

const deconvolution: Evaluation = ([from], layer) => {
  const { kw, kh, dw, dh, sw, sh } = windows(layer);
  const outputs = number(layer, 0, 0);
  const group = number(layer, 7, 1);
  const { left, right, top, bottom } = pads(layer);
  const extraRight = number(layer, 18, 0);
  const extraBottom = number(layer, 19, extraRight);
  const [{ values }, bias] = layer.weights as [{ values: Float32Array }, { values: Float32Array } | undefined];
  const w = (from!.w - 1) * sw + (kw - 1) * dw + 1 + extraRight;
  const h = (from!.h - 1) * sh + (kh - 1) * dh + 1 + extraBottom;
  const whole = picture(outputs, h, w, (c) => bias?.values[c] ?? 0);
  const [inGroup, outGroup] = [from!.c / group, outputs / group];
  for (let c = 0; c < outputs; c++) {
    for (let q = 0; q < inGroup; q++) {
      for (let y = 0; y < from!.h; y++) {
        for (let x = 0; x < from!.w; x++) {
          const v = value(from!, Math.floor(c / outGroup) * inGroup + q, y, x);
          for (let i = 0; i < kh; i++) {
            for (let j = 0; j < kw; j++) {
              whole.data[(c * h + y * sh + i * dh) * w + x * sw + j * dw]! +=
                v * values[((c * inGroup + q) * kh + i) * kw + j]!;
            }
          }
        }
      }
    }
  }
  return [activate(cut(whole, top, left, h - top - bottom, w - left - right), layer)];
};

const innerProduct: Evaluation = ([from], layer) => {
  const [{ values }, bias] = layer.weights as [{ values: Float32Array }, { values: Float32Array } | undefined];
  const result = picture(number(layer, 0, 0), 1, 1, (c) =>
    from!.data.reduce((sum, v, at) => sum + v * values[c * from!.c + at]!, bias?.values[c] ?? 0),
  );
  return [activate(result, layer)];
};

const pooling: Evaluation = ([from], layer) => {
  const average = number(layer, 0, 0) === 1;
  const reduce = (values: number[], count: number): number =>
    average ? values.reduce((sum, v) => sum + v, 0) / count : Math.max(...values);
  if (number(layer, 4, 0) !== 0 || number(layer, 7, 0) !== 0) {
    const size = from!.h * from!.w;
    return [picture(from!.c, 1, 1, (c) => reduce([...from!.data.subarray(c * size, (c + 1) * size)], size))];
  }
  const kw = number(layer, 1, 0);
  const kh = number(layer, 11, kw);
  const sw = number(layer, 2, 1);
  const sh = number(layer, 12, sw);
  let left = number(layer, 3, 0);
  let top = number(layer, 13, left);
  let right = number(layer, 14, left);
  let bottom = number(layer, 15, top);
  const mode = number(layer, 5, 0);
  if (mode === 0) {
    while ((from!.w + left + right - kw) % sw !== 0) right++;
    while ((from!.h + top + bottom - kh) % sh !== 0) bottom++;
  } else if (mode >= 2) {
    const w = Math.max(0, kw + Math.floor((from!.w - 1) / sw) * sw - from!.w);
    const h = Math.max(0, kh + Math.floor((from!.h - 1) / sh) * sh - from!.h);
    left = mode === 2 ? Math.floor(w / 2) : Math.ceil(w / 2);
    top = mode === 2 ? Math.floor(h / 2) : Math.ceil(h / 2);
    [right, bottom] = [w - left, h - top];
  }
  const h = Math.floor((from!.h + top + bottom - kh) / sh) + 1;
  const w = Math.floor((from!.w + left + right - kw) / sw) + 1;
  return [
    picture(from!.c, h, w, (c, y, x) => {
      const inside: number[] = [];
      for (let i = 0; i < kh; i++) {
        for (let j = 0; j < kw; j++) {
          const [row, column] = [y * sh + i - top, x * sw + j - left];
          if (row >= 0 && column >= 0 && row < from!.h && column < from!.w) inside.push(value(from!, c, row, column));
        }
      }
      return reduce(inside, number(layer, 6, 0) !== 0 ? kh * kw : inside.length);
    }),
  ];
};

const crop: Evaluation = ([from, reference], layer) => {
  const size = [from!.c, from!.h, from!.w];
  const start = [number(layer, 2, 0), number(layer, 1, 0), number(layer, 0, 0)];
  let length = reference ? [reference.c, reference.h, reference.w] : [];
  const [starts, ends, axes] = [list(layer, 9), list(layer, 10), list(layer, 11)];
  if (starts.length > 0) {
    length = [...size];
    starts.forEach((given, at) => {
      const axis = (axes[at] ?? at) < 0 ? 3 + axes[at]! : (axes[at] ?? at);
      const n = size[axis]!;
      const first = given === -233 ? 0 : given < 0 ? n + given : given;
      const end = ends[at] === -233 ? n : ends[at]! > 0 ? Math.min(ends[at]!, n) : n + ends[at]!;
      start[axis] = first;
      length[axis] = end - first;
    });
  } else if (!reference) {
    length = [2, 1, 0].map((id, axis) => {
      const rest = size[axis]! - start[axis]! - number(layer, id + 6, 0);
      const limit = number(layer, id + 3, 0);
      return limit === -233 ? rest : Math.min(rest, limit);
    });
  }
  const [c0 = 0, y0 = 0, x0 = 0] = start;
  return [picture(length[0]!, length[1]!, length[2]!, (c, y, x) => value(from!, c + c0, y + y0, x + x0))];
};

const padding: Evaluation = ([from], layer) => {
  const [top, bottom, left, right] = [0, 1, 2, 3].map((id) => number(layer, id, 0)) as [number, number, number, number];
  const mirrored = (at: number, n: number): number => (at < 0 ? -at : at >= n ? 2 * n - 2 - at : at);
  return [
    picture(from!.c, from!.h + top + bottom, from!.w + left + right, (c, y, x) => {
      const [row, column] = [y - top, x - left];
      if (number(layer, 4, 0) === 1) return clamped(from!, c, row, column);
      if (number(layer, 4, 0) === 2) return value(from!, c, mirrored(row, from!.h), mirrored(column, from!.w));
      const inside = row >= 0 && column >= 0 && row < from!.h && column < from!.w;
      return inside ? value(from!, c, row, column) : number(layer, 5, 0);
    }),
  ];
};

const interp: Evaluation = ([from, reference], layer) => {
  const h = reference?.h ?? Math.floor(from!.h * number(layer, 1, 1));
  const w = reference?.w ?? Math.floor(from!.w * number(layer, 2, 1));
  const [stepY, stepX] = [from!.h / h, from!.w / w];
  const kind = number(layer, 0, 0);
  if (kind === 1)
    return [
      picture(from!.c, h, w, (c, y, x) =>
        clamped(from!, c, Math.floor(y * stepY + 1e-9), Math.floor(x * stepX + 1e-9)),
      ),
    ];
  const corners = number(layer, 6, 0) !== 0;
  const taps = (at: number, step: number, n: number, length: number): [number, number][] => {
    const centre = corners ? (at * (n - 1)) / (length - 1) : (at + 0.5) * step - 0.5;
    const first = Math.floor(centre + 1e-12);
    const d = centre - first;
    if (kind === 2)
      return [
        [first, 1 - d],
        [first + 1, d],
      ];
    const a = -0.75;
    const near = (t: number): number => (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
    const far = (t: number): number => a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a;
    return [
      [first - 1, far(1 + d)],
      [first, near(d)],
      [first + 1, near(1 - d)],
      [first + 2, far(2 - d)],
    ];
  };
  return [
    picture(from!.c, h, w, (c, y, x) => {
      let sum = 0;
      for (const [row, a] of taps(y, stepY, from!.h, h)) {
        for (const [column, b] of taps(x, stepX, from!.w, w)) sum += a * b * clamped(from!, c, row, column);
      }
      return sum;
    }),
  ];
};

const pixelShuffle: Evaluation = ([from], layer) => {
  const r = number(layer, 0, 1);
  const channels = from!.c / r ** 2;
  return [
    picture(channels, from!.h * r, from!.w * r, (c, y, x) => {
      const phase = (y % r) * r + (x % r);
      const q = number(layer, 1, 0) === 0 ? c * r ** 2 + phase : phase * channels + c;
      return value(from!, q, Math.floor(y / r), Math.floor(x / r));
    }),
  ];
};

const reorg: Evaluation = ([from], layer) => {
  const r = number(layer, 0, 1);
  return [
    picture(from!.c * r ** 2, from!.h / r, from!.w / r, (q, y, x) => {
      const [c, phase] =
        number(layer, 1, 0) === 0 ? [Math.floor(q / r ** 2), q % r ** 2] : [q % from!.c, Math.floor(q / from!.c)];
      return value(from!, c, y * r + Math.floor(phase / r), x * r + (phase % r));
    }),
  ];
};

const BINARY: readonly ((a: number, b: number) => number)[] = [
  (a, b) => a + b,
  (a, b) => a - b,
  (a, b) => a * b,
  (a, b) => a / b,
  Math.max,
  Math.min,
  (a, b) => a ** b,
  (a, b) => b - a,
  (a, b) => b / a,
];

const binary: Evaluation = ([a, b], layer) => {
  const combine = BINARY[number(layer, 0, 0)]!;
  if (!b) return [{ ...a!, data: a!.data.map((v) => combine(v, number(layer, 2, 0))) }];
  const size = (length: 'c' | 'h' | 'w'): number => Math.max(a![length], b[length]);
  const at = (p: Picture, c: number, y: number, x: number): number => value(p, c % p.c, y % p.h, x % p.w);
  return [picture(size('c'), size('h'), size('w'), (c, y, x) => combine(at(a!, c, y, x), at(b, c, y, x)))];
};

const eltwise: Evaluation = (inputs, layer) => {
  const [first] = inputs;
  const coefficients = list(layer, 1);
  const data = first!.data.map((_, at) => {
    const values = inputs.map((one) => one.data[at]!);
    if (number(layer, 0, 0) === 0) return values.reduce((product, v) => product * v, 1);
    if (number(layer, 0, 0) === 2) return Math.max(...values);
    return values.reduce((sum, v, index) => sum + v * (coefficients[index] ?? 1), 0);
  });
  return [{ ...first!, data }];
};

const concat: Evaluation = (inputs) => {
  const [first] = inputs;
  const data = Float64Array.from(inputs.flatMap((one) => [...one.data]));
  return [{ ...first!, c: inputs.reduce((sum, { c }) => sum + c, 0), data }];
};

const slice: Evaluation = ([from], layer) => {
  let start = 0;
  return list(layer, 0).map((given, at, all) => {
    const c = given === -233 ? Math.floor((from!.c - start) / (all.length - at)) : given;
    const size = from!.h * from!.w;
    start += c;
    return { ...from!, c, data: from!.data.slice((start - c) * size, start * size) };
  });
};

const scale: Evaluation = ([from, factors], layer) => {
  if (factors) return [picture(from!.c, from!.h, from!.w, (c, y, x) => value(from!, c, y, x) * factors.data[c]!)];
  const [by, plus] = layer.weights!;
  return [
    picture(from!.c, from!.h, from!.w, (c, y, x) => value(from!, c, y, x) * by!.values[c]! + (plus?.values[c] ?? 0)),
  ];
};

const UNARY: Record<number, (v: number) => number> = {
  0: Math.abs,
  1: (v) => -v,
  4: (v) => v * v,
  5: Math.sqrt,
  6: (v) => 1 / Math.sqrt(v),
  7: Math.exp,
  8: Math.log,
  15: (v) => 1 / v,
  16: Math.tanh,
};

function erf(x: number): number {
  // The series of the integral.
  let sum = 0;
  let term = x;
  for (let n = 0; n < 60; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const EVALUATIONS: Record<string, Evaluation> = {
  Convolution: convolution,
  ConvolutionDepthWise: convolution,
  Deconvolution: deconvolution,
  DeconvolutionDepthWise: deconvolution,
  InnerProduct: innerProduct,
  Pooling: pooling,
  Crop: crop,
  Padding: padding,
  Interp: interp,
  PixelShuffle: pixelShuffle,
  Reorg: reorg,
  BinaryOp: binary,
  Eltwise: eltwise,
  Concat: concat,
  Slice: slice,
  Scale: scale,
  Split: ([from], { outputs }) => outputs.map(() => from!),
  Noop: (inputs) => inputs,
  ReLU: each((v, layer) => (v > 0 ? v : v * number(layer, 0, 0))),
  PReLU: each((v, { weights }, c) => (v > 0 ? v : v * weights![0]!.values[weights![0]!.values.length === 1 ? 0 : c]!)),
  Clip: each((v, layer) => Math.min(Math.max(v, number(layer, 0, -Infinity)), number(layer, 1, Infinity))),
  Sigmoid: each(sigmoid),
  TanH: each(Math.tanh),
  Mish: each(mish),
  Swish: each((v) => v * sigmoid(v)),
  HardSigmoid: each((v, layer) => hardSigmoid(v, number(layer, 0, 0.2), number(layer, 1, 0.5))),
  HardSwish: each((v, layer) => v * hardSigmoid(v, number(layer, 0, 0.2), number(layer, 1, 0.5))),
  ELU: each((v, layer) => (v < 0 ? (Math.exp(v) - 1) * number(layer, 0, 0.1) : v)),
  GELU: each((v) => 0.5 * v * (1 + erf(v / Math.SQRT2))),
  AbsVal: each(Math.abs),
  Power: each((v, layer) => (number(layer, 2, 0) + v * number(layer, 1, 1)) ** number(layer, 0, 1)),
  UnaryOp: each((v, layer) => UNARY[number(layer, 0, 0)]!(v)),
  Dropout: each((v, layer) => v * number(layer, 0, 1)),
  BatchNorm: each((v, layer, c) => {
    const [slope, mean, variance, bias] = layer.weights!.map(({ values }) => values[c]!) as [
      number,
      number,
      number,
      number,
    ];
    return ((v - mean) / Math.sqrt(variance + number(layer, 1, 0))) * slope + bias;
  }),
};
