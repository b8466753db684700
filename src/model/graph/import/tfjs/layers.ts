import { float } from '../../onnx/node.js';
import { activate, leakyReluLayer, preluLayer, reluLayer } from './activations.js';
import { conv2d, conv2dTranspose, depthwiseConv2d, separableConv2d } from './convolutions.js';
import type { LayerReader } from './layer-reader.js';

/** Writes a layer's nodes and returns the name of what comes out. */
type Form = (reader: LayerReader) => string;

const FORMS: Readonly<Record<string, Form>> = {
  Conv2D: conv2d,
  Convolution2D: conv2d,
  DepthwiseConv2D: depthwiseConv2d,
  SeparableConv2D: separableConv2d,
  Conv2DTranspose: conv2dTranspose,
  Convolution2DTranspose: conv2dTranspose,

  Activation: (reader) => activate(reader, reader.input, reader.text('activation', 'linear')),
  ReLU: reluLayer,
  LeakyReLU: leakyReluLayer,
  PReLU: preluLayer,
  ELU: (reader) => reader.writer.op('Elu', [reader.input], { alpha: float(reader.number('alpha', 1)) }),

  Add: (reader) => merge(reader, 'Add'),
  Subtract: (reader) => merge(reader, 'Sub'),
  Multiply: (reader) => merge(reader, 'Mul'),
  Maximum: (reader) => merge(reader, 'Max'),
  Minimum: (reader) => merge(reader, 'Min'),
  Average: (reader) => {
    const sum = merge(reader, 'Add');
    return reader.writer.op('Mul', [sum, reader.writer.floats([1 / reader.inputs.length])]);
  },
  Concatenate: concatenate,

  UpSampling2D: upSampling,
  ZeroPadding2D: zeroPadding,
  Cropping2D: cropping,
  BatchNormalization: batchNormalization,
  Rescaling: (reader) => {
    const { writer } = reader;
    const scaled = writer.op('Mul', [reader.input, writer.floats([reader.number('scale', 1)])]);
    return writer.op('Add', [scaled, writer.floats([reader.number('offset', 0)])]);
  },

  // UpscalerJS's own: x * beta, and tf.depthToSpace.
  MultiplyBeta: (reader) => reader.writer.op('Mul', [reader.input, reader.writer.floats([reader.number('beta', 0.2)])]),
  DepthToSpace: depthToSpace,

  // These do nothing once a network is trained.
  Dropout: (reader) => reader.input,
  SpatialDropout2D: (reader) => reader.input,
  GaussianNoise: (reader) => reader.input,
  GaussianDropout: (reader) => reader.input,
  ActivityRegularization: (reader) => reader.input,
};

/** `PixelShuffle4x` and so on: UpscalerJS has a class for each scale. */
export const PIXEL_SHUFFLE = /^PixelShuffle(\d*)x?$/;

/** Writes a layer's nodes. @throws MODEL_UNSUPPORTED for a kind of layer that is not known, MODEL_INVALID */
export function writeLayer(reader: LayerReader): string {
  const { className } = reader.layer;
  if (PIXEL_SHUFFLE.test(className)) return depthToSpace(reader);
  const form = Object.hasOwn(FORMS, className) ? FORMS[className] : undefined;
  if (!form) {
    throw reader.unsupported(
      `is of a kind that is not known. Known are ${Object.keys(FORMS).join(', ')}, PixelShuffle<scale>x`,
    );
  }
  return form(reader);
}

function merge({ writer, inputs }: LayerReader, operator: string): string {
  return inputs.reduce((sum, other) => writer.op(operator, [sum, other]));
}

/** Axes of NHWC, counted from the front or the back, as those of NCHW. */
function planarAxis(reader: LayerReader, name: string): number {
  const value = reader.layer.config[name] ?? -1;
  // BatchNormalization has a list of one.
  const axis: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const planar = typeof axis === 'number' ? [0, 2, 3, 1][axis < 0 ? axis + 4 : axis] : undefined;
  if (planar === undefined) throw reader.wrong(`has ${name} = ${JSON.stringify(value).slice(0, 100)}`);
  return planar;
}

function concatenate(reader: LayerReader): string {
  if (reader.inputs.length === 1) return reader.input;
  return reader.writer.op('Concat', reader.inputs, { axis: planarAxis(reader, 'axis') });
}

function upSampling(reader: LayerReader): string {
  reader.requireChannelsLast();
  const { writer, input } = reader;
  const [rows, columns] = reader.pair('size', 2);
  const kind = reader.text('interpolation', 'nearest');
  if (kind !== 'nearest' && kind !== 'bilinear') throw reader.unsupported(`has the interpolation "${kind}"`);
  // Nearest is the same in both; bilinear is not: Keras of Python interpolates between centres of pixels, TensorFlow.js between corners.
  const centred = kind === 'bilinear' && reader.fromKeras;
  if (kind === 'bilinear') {
    reader.decided(
      `Layer "${reader.layer.name}" interpolates bilinearly ${centred ? 'between the centres of pixels, as the Keras that it was trained with' : 'between the corners of pixels, as TensorFlow.js'} does.`,
    );
  }
  return writer.op('Resize', [input, '', writer.floats([1, 1, rows, columns], [4])], {
    mode: kind === 'nearest' ? 'nearest' : 'linear',
    coordinate_transformation_mode: centred ? 'half_pixel' : 'asymmetric',
    nearest_mode: 'floor',
  });
}

function zeroPadding(reader: LayerReader): string {
  reader.requireChannelsLast();
  const [[top, bottom], [left, right]] = reader.sides('padding');
  const { writer } = reader;
  return writer.op('Pad', [reader.input, writer.ints([0, 0, top, left, 0, 0, bottom, right])], { mode: 'constant' });
}

function cropping(reader: LayerReader): string {
  reader.requireChannelsLast();
  const [[top, bottom], [left, right]] = reader.sides('cropping');
  const { writer } = reader;
  const toTheEnd = 2 ** 31 - 1;
  const ends = [bottom, right].map((size) => (size === 0 ? toTheEnd : -size));
  return writer.op('Slice', [reader.input, writer.ints([top, left]), writer.ints(ends), writer.ints([2, 3])]);
}

function batchNormalization(reader: LayerReader): string {
  if (planarAxis(reader, 'axis') !== 1) throw reader.unsupported('normalises another axis than the channels');
  const { writer } = reader;
  const mean = reader.weight('moving_mean', 1).values;
  const channels = mean.length;
  const list = (name: string, used: boolean, otherwise: number): string =>
    writer.floats(used ? reader.perChannel(name, channels) : new Float32Array(channels).fill(otherwise), [channels]);
  const inputs = [
    reader.input,
    list('gamma', reader.flag('scale', true), 1),
    list('beta', reader.flag('center', true), 0),
    writer.floats(mean, [channels]),
    list('moving_variance', true, 1),
  ];
  return writer.op('BatchNormalization', inputs, { epsilon: float(reader.number('epsilon', 1e-3)) });
}

function depthToSpace(reader: LayerReader): string {
  const named = Number(PIXEL_SHUFFLE.exec(reader.layer.className)?.[1] ?? 0);
  const block = reader.number('scale', reader.number('block_size', named));
  if (!Number.isInteger(block) || block < 1 || block > 64) throw reader.wrong(`has the scale ${block}`);
  // TensorFlow's order: the channel runs fastest.
  return reader.writer.op('DepthToSpace', [reader.input], { blocksize: block, mode: 'DCR' });
}
