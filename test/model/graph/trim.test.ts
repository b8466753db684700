import { describe, expect, it } from 'vitest';
import { opsetOf, type OnnxModel } from '#src/model/graph/onnx/file.js';
import { float } from '#src/model/graph/onnx/node.js';
import type { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { TensorProto_DataType as DataType } from '#src/model/graph/onnx/onnx_pb.js';
import { analyse } from '#src/model/graph/receptive-field.js';
import { trimToCore } from '#src/model/graph/rewrite/trim.js';
import { leastTrimmedSide } from '#src/network/tiles/tiles.js';
import { bytesOf, conv, load, network, randomFloats, shuffle, type NetworkShape } from '../support.js';

type Build = (writer: GraphWriter, input: string) => string;

/** Trims a network in place. */
function trim(model: OnnxModel) {
  const { geometry, ...followed } = analyse(model.graph, opsetOf(model), {
    layout: 'NCHW',
    channels: 3,
    type: DataType.FLOAT,
  });
  const { halo, scale } = geometry;
  const saved = trimToCore(model, followed, halo!, scale!);
  return { saved, halo: halo!, scale: scale! };
}

const repeated = (writer: GraphWriter, input: string, by = 2): string =>
  writer.op('Resize', [input, '', writer.floats([1, 1, by, by], [4])], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });

const deconvolution = (kernel: number, pads: number, stride = 2, more = 0): Build => {
  return (writer, input) => {
    const features = writer.op('LeakyRelu', [conv(writer, input, [3, 16], 3, { pads: [1 + more, 1 + more] })], {
      alpha: float(0.1),
    });
    const weights = writer.floats(randomFloats(16 * 3 * kernel ** 2, 7, -0.2, 0.2), [16, 3, kernel, kernel]);
    const sides = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pads, pads, pads, pads] };
    return writer.op('ConvTranspose', [features, weights], sides);
  };
};

const residual: Build = (writer, input) => {
  const first = writer.op('Relu', [conv(writer, input, [3, 32], 3)]);
  const inner = writer.op('Relu', [conv(writer, first, [32, 32], 3, { seed: 2 })]);
  const last = writer.op('Relu', [conv(writer, inner, [32, 32], 3, { seed: 3 })]);
  const sum = writer.op('Add', [last, first]);
  return shuffle(writer, conv(writer, sum, [32, 12], 3, { seed: 4 }), 2);
};

const kinds: Record<string, Build> = {
  'a stack of convolutions': (writer, input) => {
    const features = writer.op('Relu', [conv(writer, input, [3, 16], 5)]);
    return shuffle(writer, conv(writer, features, [16, 12], 3, { seed: 2 }), 2);
  },
  'a residual': residual,
  'a residual of the picture itself': (writer, input) => {
    const features = writer.op('Relu', [conv(writer, input, [3, 16], 3)]);
    const detail = shuffle(writer, conv(writer, features, [16, 12], 3, { seed: 2 }), 2);
    return writer.op('Add', [detail, repeated(writer, input)]);
  },
  'features of several layers': (writer, input) => {
    const first = writer.op('Relu', [conv(writer, input, [3, 16], 3)]);
    const second = writer.op('Relu', [conv(writer, first, [16, 16], 3, { seed: 2 })]);
    const both = writer.op('Concat', [first, second], { axis: 1 });
    return shuffle(writer, conv(writer, both, [32, 12], 3, { seed: 3 }), 2);
  },
  'a convolution after the shuffle': (writer, input) => {
    const large = shuffle(writer, conv(writer, input, [3, 64], 3), 2);
    return conv(writer, writer.op('Relu', [large]), [16, 3], 3, { seed: 2 });
  },
  'two enlargements': (writer, input) => {
    const large = repeated(writer, conv(writer, input, [3, 16], 3));
    return shuffle(writer, conv(writer, writer.op('Relu', [large]), [16, 12], 3, { seed: 2 }), 2);
  },
  'a mirrored border': (writer, input) => {
    const pads = writer.ints([0, 0, 2, 2, 0, 0, 2, 2]);
    const wide = writer.op('Pad', [input, pads], { mode: 'reflect' });
    const features = writer.op('Relu', [conv(writer, wide, [3, 16], 3, { pads: [0, 0] })]);
    return shuffle(writer, conv(writer, features, [16, 12], 3, { pads: [0, 0], seed: 2 }), 2);
  },
  'pads on one side': (writer, input) => {
    const features = writer.op('Relu', [conv(writer, input, [3, 16], 3, { pads: [2, 0] })]);
    return shuffle(writer, conv(writer, features, [16, 12], 3, { pads: [0, 2], seed: 2 }), 2);
  },
  'holes in the kernels': (writer, input) => {
    const features = writer.op('Relu', [conv(writer, input, [3, 16], 3, { dilation: 3, pads: [3, 3] })]);
    return shuffle(writer, conv(writer, features, [16, 12], 3, { seed: 2 }), 2);
  },
  'each channel by itself': (writer, input) => {
    const features = conv(writer, input, [3, 16], 3);
    const own = conv(writer, features, [16, 16], 3, { group: 16, seed: 2 });
    return shuffle(writer, conv(writer, own, [16, 12], 1, { pads: [0, 0], seed: 3 }), 2);
  },
  'a deconvolution that cuts its border off': deconvolution(4, 3, 2, 1),
  'a deconvolution that leaves it': deconvolution(4, 1),
  'a deconvolution with a wide kernel': deconvolution(8, 3),
  'a deconvolution ×3': deconvolution(9, 3, 3),
  'gates, and a part that can not be trimmed': (writer, input) => {
    const first = conv(writer, input, [3, 16], 3);
    const gated = writer.op('Mul', [first, writer.op('Sigmoid', [first])]);
    return shuffle(writer, conv(writer, gated, [16, 12], 3, { seed: 2 }), 2);
  },
};

describe('a network trimmed to the cores of tiles', () => {
  it.each(Object.entries(kinds))('gives the same numbers without the halo: %s', async (_, build) => {
    const model = network(build);
    const whole = await load(bytesOf(model));
    const { saved, halo, scale } = trim(model);
    expect(saved).toBeGreaterThan(0);
    expect(saved).toBeLessThanOrEqual(1);
    const trimmed = await load(bytesOf(model));
    for (const [width, height] of [
      [leastTrimmedSide, leastTrimmedSide],
      [leastTrimmedSide + 1, leastTrimmedSide],
      [23, 12],
      [32, 33],
    ] as const) {
      const [wide, high] = [width + halo.left + halo.right, height + halo.top + halo.bottom];
      const tile = randomFloats(3 * wide * high, 5);
      const { data } = await whole.run(tile, [1, 3, high, wide]);
      const seen = await trimmed.run(tile, [1, 3, high, wide]);
      expect(seen.dims).toEqual([1, 3, height * scale, width * scale]);
      const rows = Array.from({ length: 3 * height * scale }, (_, row) => {
        const channel = Math.floor(row / (height * scale));
        const y = (row % (height * scale)) + halo.top * scale;
        const from = (channel * high * scale + y) * wide * scale + halo.left * scale;
        return data.subarray(from, from + width * scale);
      });
      expect(Buffer.concat(rows.map(bytes)).equals(bytes(seen.data))).toBe(true);
    }
    await whole.release();
    await trimmed.release();
  });

  it.each([9, 11, 13, 18])('is one of operator set %i still', async (opset) => {
    const shape: NetworkShape = { opset };
    const model = network(residual, shape);
    const { halo } = trim(model);
    const { dims } = await (await load(bytesOf(model))).run(randomFloats(3 * 20 * 20, 1), [1, 3, 20, 20]);
    expect(dims).toEqual([1, 3, 2 * (20 - halo.top - halo.bottom), 2 * (20 - halo.left - halo.right)]);
  });

  it.each<[string, Build]>([
    ['nothing is padded', (writer, input) => shuffle(writer, conv(writer, input, [3, 12], 1, { pads: [0, 0] }), 2)],
    [
      'its last operator may compute the last of a row otherwise',
      (writer, input) => writer.op('Sigmoid', [shuffle(writer, conv(writer, input, [3, 12], 3), 2)]),
    ],
    [
      'its size is asked of what would be trimmed',
      (writer, input) => {
        const large = shuffle(writer, conv(writer, input, [3, 12], 3), 2);
        const repeated = writer.op('Resize', [input, '', '', writer.op('Shape', [large])], { mode: 'nearest' });
        return writer.op('Add', [large, repeated]);
      },
    ],
  ])('stays as it is where %s', (_, build) => {
    const model = network(build);
    const before = bytesOf(model);
    expect(trim(model).saved).toBeUndefined();
    expect(bytesOf(model)).toEqual(before);
  });
});

const bytes = ({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
