import { enlarge, pictureModel } from '../../interpolation.js';
import type { OnnxModel } from '../../onnx/file.js';
import { GraphWriter } from '../../onnx/graph-writer.js';
import { channelsOf, sourcesOf, type Size } from './layers.js';

const OPSET = 17;

/** The values of an array by its name in `parametersOf`. */
export type Values = (name: string) => Float32Array;

/**
 * The network as a graph: `input` [1,3,h,w] -> `output` [1,3,h*factor,w*factor], sRGB values in 0..1, not limited at the end.
 * Layers are 3x3 convolutions with zero padding over the activations of earlier layers, followed by a spline for each channel; the
 * result is added to the picture enlarged bilinearly. With global nodes, each layer's bias depends on means over the whole picture.
 */
export function rsrGraph(size: Size, values: Values): OnnxModel {
  const writer = new GraphWriter(OPSET, 'rsr_');
  const { factor, width, globals } = size;
  const layers = 2 ** size.logDepth;
  const activations = ['input'];
  /** The outputs of the global nodes of each activation, [1,n,1,1]. */
  const nodes = globals > 0 ? [globalNodes(writer, 'input', values, { weights: 'gin.W', spline: 'gin.S' })] : [];
  let residual = '';
  for (let layer = 0; layer < layers; layer++) {
    const last = layer === layers - 1;
    const channels = last ? 3 * factor ** 2 : channelsOf(layer + 1, width);
    const sources = sourcesOf(layer);
    const kernels = sources.map((source) => ({
      read: channelsOf(source, width),
      values: values(`K${layer}<-${source}`),
    }));
    const read = kernels.reduce((sum, kernel) => sum + kernel.read, 0);
    const from = join(
      writer,
      sources.map((source) => activations[source]!),
    );
    const bias = writer.floats(values(`b${layer}`), [channels]);
    const weights = writer.floats(joinKernels(kernels, channels), [channels, read, 3, 3]);
    const convolution = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
    let sum: string;
    if (globals > 0) {
      const global = join(
        writer,
        sources.map((source) => nodes[source]!),
      );
      const matrices = sources.map((source) => values(`V${layer}<-${source}`));
      const shift = linear(writer, global, matrices, channels, bias);
      sum = writer.op('Add', [writer.op('Conv', [from, weights], convolution), shift]);
    } else {
      sum = writer.op('Conv', [from, weights, bias], convolution);
    }
    if (last) {
      residual = sum;
      break;
    }
    const activation = spline(writer, sum, values(`S${layer}`));
    activations.push(activation);
    if (globals > 0) {
      const names = { weights: `G${layer}`, spline: `T${layer}`, ...(size.globalBias && { bias: `h${layer}` }) };
      nodes.push(globalNodes(writer, activation, values, names));
    }
  }
  const detail = writer.op('DepthToSpace', [residual], { blocksize: factor, mode: 'DCR' });
  writer.op('Add', [detail, enlarge(writer, 'input', 'bilinear', factor, 3)], {}, 'output');
  return pictureModel(writer);
}

function join(writer: GraphWriter, parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : writer.op('Concat', parts, { axis: 1 });
}

/** Kernels [out, y, x, in] of several sources as one [out, in of all, y, x]. */
function joinKernels(kernels: readonly { read: number; values: Float32Array }[], channels: number): Float32Array {
  const read = kernels.reduce((sum, kernel) => sum + kernel.read, 0);
  const result = new Float32Array(channels * read * 9);
  for (let out = 0; out < channels; out++) {
    let before = 0;
    for (const kernel of kernels) {
      for (let tap = 0; tap < 9; tap++) {
        for (let channel = 0; channel < kernel.read; channel++) {
          result[(out * read + before + channel) * 9 + tap] = kernel.values[(out * 9 + tap) * kernel.read + channel]!;
        }
      }
      before += kernel.read;
    }
  }
  return result;
}

/** Mean of each channel over the picture, a matrix, perhaps a bias, and a spline. */
function globalNodes(
  writer: GraphWriter,
  from: string,
  values: Values,
  names: { weights: string; spline: string; bias?: string },
): string {
  const curve = values(names.spline);
  const out = curve.length / 3;
  const bias = names.bias === undefined ? undefined : writer.floats(values(names.bias), [out]);
  const mean = writer.op('GlobalAveragePool', [from]);
  return spline(writer, linear(writer, mean, [values(names.weights)], out, bias), curve);
}

/** Matrices [in, out] below each other, as a convolution of 1x1 over [1,in,1,1]. */
function linear(
  writer: GraphWriter,
  from: string,
  matrices: readonly Float32Array[],
  out: number,
  bias: string | undefined,
): string {
  const read = matrices.reduce((sum, matrix) => sum + matrix.length / out, 0);
  const weights = new Float32Array(out * read);
  let row = 0;
  for (const matrix of matrices) {
    for (let at = 0; at < matrix.length; at++) weights[(at % out) * read + row + Math.floor(at / out)] = matrix[at]!;
    row += matrix.length / out;
  }
  const inputs = [from, writer.floats(weights, [out, read, 1, 1]), ...(bias === undefined ? [] : [bias])];
  return writer.op('Conv', inputs, { kernel_shape: [1, 1] });
}

/**
 * A curve for each channel with three parameters: its slopes l below -1, c at 0 and r above 1; a cubic between, straight outside,
 * through 0. With t = clamp(x, -1, 1) and e = x - t it is
 * t (c + t ((r - l) / 4 + t (l + r - 2 c) / 6)) + (l + r) / 2 e + (r - l) / 2 |e|.
 */
function spline(writer: GraphWriter, x: string, parameters: Float32Array): string {
  const channels = parameters.length / 3;
  const constant = (formula: (l: number, c: number, r: number) => number): string =>
    writer.floats(
      Float32Array.from({ length: channels }, (_, at) =>
        formula(parameters[at]!, parameters[channels + at]!, parameters[2 * channels + at]!),
      ),
      [1, channels, 1, 1],
    );
  const op = (type: string, a: string, b: string): string => writer.op(type, [a, b]);
  const t = writer.clip(x, -1, 1);
  const e = op('Sub', x, t);
  const cubic = op(
    'Mul',
    t,
    constant((l, c, r) => (l + r - 2 * c) / 6),
  );
  const square = op(
    'Mul',
    t,
    op(
      'Add',
      cubic,
      constant((l, _c, r) => (r - l) / 4),
    ),
  );
  const inner = op(
    'Mul',
    t,
    op(
      'Add',
      square,
      constant((_l, c) => c),
    ),
  );
  const straight = op(
    'Mul',
    e,
    constant((l, _c, r) => (l + r) / 2),
  );
  const bent = op(
    'Mul',
    writer.op('Abs', [e]),
    constant((l, _c, r) => (r - l) / 2),
  );
  return op('Add', inner, op('Add', straight, bent));
}
