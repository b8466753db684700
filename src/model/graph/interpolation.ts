import { INTERPOLATION_RADIUS, type Interpolation } from '../catalogue/interpolations.js';
import { tensorInfo } from './onnx/node.js';
import { makeModel, type OnnxModel } from './onnx/file.js';
import { GraphWriter } from './onnx/graph-writer.js';
import { TensorProto_DataType as DataType } from './onnx/onnx_pb.js';
import { toLinear, toSrgb } from './srgb.js';

const OPSET = 13;

/**
 * An interpolation as a network: `input` [1,3,h,w] -> `output` [1,3,h*scale,w*scale], sRGB values in 0..1. `bicubic` and
 * `nearest` work on the values as they are; `bilinear` mixes light, not values: it converts to linear light and back. Scale
 * 1 gives back the input.
 */
export function interpolationModel(kind: Interpolation, scale: number): OnnxModel {
  const writer = new GraphWriter(OPSET, '');
  if (scale === 1) {
    writer.op('Identity', ['input'], {}, 'output');
  } else if (kind === 'bilinear') {
    const light = toLinear(writer, writer.clip('input', 0, 1));
    // Kernel weights may sum to a hair above 1.
    const enlarged = writer.clip(enlarge(writer, light, kind, scale, 3), 0, 1);
    writer.op('Identity', [toSrgb(writer, enlarged)], {}, 'output');
  } else {
    enlarge(writer, 'input', kind, scale, 3, 'output');
  }
  return pictureModel(writer);
}

/** The graph of a writer, from `input` to `output`: RGB planes of any size, in 32-bit floats. */
export function pictureModel({ opset, nodes, initializers }: GraphWriter): OnnxModel {
  return makeModel({
    opset,
    nodes,
    initializers,
    inputs: [tensorInfo('input', DataType.FLOAT, [1, 3, 'height', 'width'])],
    outputs: [tensorInfo('output', DataType.FLOAT, [1, 3, 'out_height', 'out_width'])],
  });
}

/**
 * Nodes that enlarge an NCHW image by an integer scale, centred (half-pixel), with border pixels repeated: a convolution
 * computes every phase, and DepthToSpace interleaves them. The Resize operator would do the same with coordinates in
 * float32, whose last bits depend on where the picture begins, so its tiles would not equal the whole.
 */
export function enlarge(
  writer: GraphWriter,
  input: string,
  kind: Interpolation,
  scale: number,
  channels: number,
  output?: string,
): string {
  const radius = INTERPOLATION_RADIUS[kind];
  const side = 2 * radius + 1;
  const padded =
    radius === 0 ? input : writer.padEdge(input, { left: radius, top: radius, right: radius, bottom: radius });
  const kernels = polyphaseKernels(kind, scale);
  const attributes = { kernel_shape: [side, side] };
  if (writer.opset >= 11) {
    // One group per channel: colours never mix, not even as 0 * x.
    const weights = writer.floats(Array.from({ length: channels }, () => kernels.flat()).flat(), [
      channels * scale * scale,
      1,
      side,
      side,
    ]);
    const phases = writer.op('Conv', [padded, weights], { ...attributes, group: channels });
    return writer.op('DepthToSpace', [phases], { blocksize: scale, mode: 'CRD' }, output);
  }
  // Before operator set 11 DepthToSpace knew only the order in which the channel runs fastest, which groups can't give.
  const zero = new Array<number>(side * side).fill(0);
  const dense = kernels.flatMap((kernel) =>
    Array.from({ length: channels * channels }, (_, at) =>
      Math.floor(at / channels) === at % channels ? kernel : zero,
    ),
  );
  const weights = writer.floats(dense.flat(), [channels * scale * scale, channels, side, side]);
  return writer.op('DepthToSpace', [writer.op('Conv', [padded, weights], attributes)], { blocksize: scale }, output);
}

/** One kernel (rows first) for each of the scale x scale phases (rows first); each sums to 1. */
function polyphaseKernels(kind: Interpolation, scale: number): number[][] {
  const radius = INTERPOLATION_RADIUS[kind];
  const phases = Array.from({ length: scale }, (_, phase) => {
    // Where the centre of this output pixel lies, in input pixels from the centre of the input pixel that it is part of.
    const centre = (phase + 0.5) / scale - 0.5;
    const taps = Array.from({ length: 2 * radius + 1 }, (_, tap) => weight(kind, centre - (tap - radius)));
    const sum = taps.reduce((total, tap) => total + tap, 0);
    return taps.map((tap) => tap / sum);
  });
  return phases.flatMap((rows) =>
    phases.map((columns) => rows.flatMap((row) => columns.map((column) => row * column))),
  );
}

function weight(kind: Interpolation, distance: number): number {
  switch (kind) {
    case 'nearest':
      return 1;
    case 'bilinear':
      return Math.max(0, 1 - Math.abs(distance));
    case 'bicubic':
      return keys(Math.abs(distance));
  }
}

/** Keys' cubic convolution kernel (1981) with a = -0.5: the one that reproduces quadratics. */
function keys(x: number): number {
  const a = -0.5;
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  if (x < 2) return a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a;
  return 0;
}
