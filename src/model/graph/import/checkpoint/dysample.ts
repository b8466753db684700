import { TensorProto_DataType as DataType } from '../../onnx/onnx_pb.js';
import { WeightsError, type Layers } from './layers.js';

/**
 * DySample: each pixel of the result is taken from a place that is computed for it (https://github.com/tiny-smart/dysample, style "lp"
 * with a dynamic scope), and a convolution after that. Places follow from the picture's size, so that this can't be cut exactly.
 */
export function dysample(layers: Layers, input: string, module: string, scale: number): string {
  const { writer } = layers;
  const [offsets, channels] = layers.shape(`${module}.offset.weight`, 4) as [number, number];
  const groups = offsets / (2 * scale ** 2);
  if (!Number.isInteger(groups) || channels % groups !== 0)
    throw new WeightsError(`${module}.offset has ${offsets} channels`);
  const start = layers.values(`${module}.init_pos`);
  if (start.length !== offsets) throw new WeightsError(`${module}.init_pos has ${start.length} values`);
  const scope = writer.op('Sigmoid', [layers.conv(input, `${module}.scope`)]);
  const moved = layers.mul(layers.mul(layers.conv(input, `${module}.offset`), scope), layers.constant(0.5));
  const places = layers.add(moved, writer.floats(start, [1, offsets, 1, 1]));

  const size = writer.op('Shape', [input]);
  /** Along columns or rows: places from -1 to 1, of each pixel of the result. */
  const along = (half: 0 | 1, axis: 3 | 2): string => {
    const count = offsets / 2;
    const bounds = [half * count, (half + 1) * count].map((at) => writer.ints([at]));
    const own = writer.op('Slice', [places, ...bounds, writer.ints([1])]);
    const length = writer.op('Gather', [size, writer.int(axis)], { axis: 0 });
    const numbers = writer.op('Range', [writer.int(0), length, writer.int(1)]);
    const centres = layers.add(writer.op('Cast', [numbers], { to: DataType.FLOAT }), layers.constant(0.5));
    const shape = writer.ints(axis === 3 ? [1, 1, 1, -1] : [1, 1, -1, 1]);
    const absolute = layers.add(own, writer.op('Reshape', [centres, shape]));
    const twice = layers.mul(absolute, layers.constant(2));
    const relative = writer.op('Div', [twice, writer.op('Cast', [length], { to: DataType.FLOAT })]);
    const large = layers.shuffle(writer.op('Sub', [relative, layers.constant(1)]), scale);
    return writer.op('Transpose', [large], { perm: [1, 2, 3, 0] });
  };
  const grid = writer.op('Concat', [along(0, 3), along(1, 2)], { axis: 3 });
  const grouped = writer.op('Reshape', [input, writer.ints([groups, channels / groups, 0, 0])]);
  const how = { mode: 'bilinear', padding_mode: 'border', align_corners: 0 };
  const sampled = writer.op('GridSample', [grouped, grid], how);
  const joined = writer.op('Reshape', [sampled, writer.ints([1, channels, 0, 0])]);
  return layers.conv(joined, `${module}.end_conv`);
}
