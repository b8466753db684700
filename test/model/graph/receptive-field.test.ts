import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OnnxModel, opsetOf } from '#src/model/graph/onnx/file.js';
import type { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { float } from '#src/model/graph/onnx/node.js';
import { analyse } from '#src/model/graph/receptive-field.js';
import type { Geometry } from '#src/model/catalogue/geometry.js';
import { bytesOf, conv, crop, load, network, randomFloats, shuffle } from '../support.js';

function geometryOf(model: OnnxModel): Geometry {
  return analyse(model.graph, opsetOf(model), { layout: 'NCHW', channels: 3, type: 1 }).geometry;
}

/**
 * The halo by brute force: which input columns and rows, one changed at a time, change the output of one smallest tile.
 * Needs a network of positive weights, so that no change is hidden.
 */
async function haloByTrial(model: OnnxModel, { multipleOf, scale }: Geometry): Promise<Geometry['halo']> {
  const reach = 24;
  const start = Math.ceil(reach / multipleOf) * multipleOf;
  const size = 2 * start + multipleOf;
  const session = await load(bytesOf(model), { graphOptimizationLevel: 'disabled' });
  try {
    const part = { x: start * scale!, y: start * scale!, width: multipleOf * scale!, height: multipleOf * scale! };
    const image = randomFloats(3 * size * size, 7, 0.2, 1);
    const whole = crop(await session.run(image, [1, 3, size, size]), part);
    const changes = async (touch: (x: number, y: number) => boolean): Promise<boolean> => {
      const changed = image.map((value, at) => (touch(at % size, Math.floor(at / size) % size) ? value + 8 : value));
      const result = crop(await session.run(changed, [1, 3, size, size]), part);
      return result.some((value, at) => value !== whole[at]);
    };
    const count = async (touches: (distance: number) => (x: number, y: number) => boolean): Promise<number> => {
      let furthest = 0;
      for (let distance = 1; distance <= reach; distance++) if (await changes(touches(distance))) furthest = distance;
      return furthest;
    };
    return {
      left: await count((distance) => (x) => x === start - distance),
      top: await count((distance) => (_, y) => y === start - distance),
      right: await count((distance) => (x) => x === start + multipleOf - 1 + distance),
      bottom: await count((distance) => (_, y) => y === start + multipleOf - 1 + distance),
    };
  } finally {
    await session.release();
  }
}

const positive = { low: 0.1, high: 0.5 };

/** Parts of networks of 4 channels that keep the size. */
const BLOCKS: Record<string, (writer: GraphWriter, input: string) => string> = {
  'conv 3x3': (writer, input) => conv(writer, input, [4, 4], 3, positive),
  'conv 2x2': (writer, input) => conv(writer, input, [4, 4], 2, positive),
  'conv 5x5, depthwise': (writer, input) => conv(writer, input, [4, 4], 5, { ...positive, group: 4 }),
  'conv 3x3, dilation 2': (writer, input) => conv(writer, input, [4, 4], 3, { ...positive, dilation: 2 }),
  'conv 3x3 that looks left only': (writer, input) => conv(writer, input, [4, 4], 3, { ...positive, pads: [2, 0] }),
  'average pool': (writer, input) => writer.op('AveragePool', [input], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  'two branches': (writer, input) => {
    const a = conv(writer, input, [4, 2], 1, positive);
    const b = conv(writer, input, [4, 2], 3, positive);
    return writer.op('Concat', [a, b], { axis: 1 });
  },
  residual: (writer, input) => writer.op('Add', [input, writer.op('Relu', [conv(writer, input, [4, 4], 3, positive)])]),
  'stride 2, shuffle': (writer, input) => {
    const small = conv(writer, input, [4, 16], 3, { ...positive, stride: 2, pads: [1, 1] });
    return shuffle(writer, small, 2);
  },
  'stride 2, transposed conv': (writer, input) => {
    const small = conv(writer, input, [4, 4], 3, { ...positive, stride: 2, pads: [1, 1] });
    const weights = writer.floats(randomFloats(4 * 4 * 16, 5, 0.1, 0.5), [4, 4, 4, 4]);
    return writer.op('ConvTranspose', [small, weights], { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] });
  },
  'space to depth and back': (writer, input) => {
    const small = writer.op('SpaceToDepth', [input], { blocksize: 2 });
    return shuffle(writer, conv(writer, small, [16, 16], 3, positive), 2);
  },
  'nearest Resize, halved': (writer, input) => {
    const scales = writer.floats([1, 1, 2, 2], [4]);
    const large = writer.op('Resize', [input, '', scales], {
      mode: 'nearest',
      nearest_mode: 'floor',
      coordinate_transformation_mode: 'asymmetric',
    });
    return conv(writer, large, [4, 4], 3, { ...positive, stride: 2, pads: [1, 1] });
  },
  'cubic Resize, halved': (writer, input) => {
    const scales = writer.floats([1, 1, 2, 2], [4]);
    const large = writer.op('Resize', [input, '', scales], {
      mode: 'cubic',
      coordinate_transformation_mode: 'half_pixel',
    });
    return conv(writer, large, [4, 4], 2, { ...positive, stride: 2, pads: [0, 0] });
  },
  'padding, then valid': (writer, input) => {
    const padded = writer.op('Pad', [input, writer.ints([0, 0, 2, 1, 0, 0, 1, 2])], { mode: 'reflect' });
    return conv(writer, padded, [4, 4], 4, { ...positive, pads: [0, 0] });
  },
  'shift by Slice and Pad': (writer, input) => {
    const cut = writer.op('Slice', [
      input,
      writer.ints([2, 1]),
      writer.ints([2 ** 31 - 1, 2 ** 31 - 1]),
      writer.ints([2, 3]),
    ]);
    return writer.op('Pad', [cut, writer.ints([0, 0, 0, 0, 0, 0, 2, 1])], { mode: 'constant' });
  },
};

/** The blocks between a convolution from 3 channels and a doubling shuffle to 3. */
function stack(names: readonly string[], scale = 2): OnnxModel {
  return network((writer, input) => {
    let value = conv(writer, input, [3, 4], 1, positive);
    for (const name of names) value = BLOCKS[name]!(writer, value);
    return shuffle(writer, conv(writer, value, [4, 3 * scale ** 2], 1, positive), scale);
  });
}

describe('the halo that is read from the graph', () => {
  // Cubic weights are negative in places and reflection adds nothing inside: still, each column shows.
  it.each(Object.keys(BLOCKS))('is exact for: %s', async (name) => {
    const model = stack([name]);
    const geometry = geometryOf(model);
    expect(geometry.globalOperators).toEqual([]);
    expect(geometry.scale).toBe(2);
    const tried = await haloByTrial(model, geometry);
    if (name === 'shift by Slice and Pad') {
      // No pixel left of or above a tile is used, and those cut off must be there although they are not used twice.
      expect(geometry.halo).toEqual({ left: 0, top: 0, right: 1, bottom: 2 });
    } else if (name === 'padding, then valid') {
      // Inside the picture; at its border, a reflection needs as many pixels on the other side.
      expect(tried).toEqual({ left: 1, top: 2, right: 2, bottom: 1 });
      expect(geometry.halo).toEqual({ left: 2, top: 2, right: 2, bottom: 2 });
    } else {
      expect(tried).toEqual(geometry.halo);
    }
  });

  it('is exact for random stacks', async () => {
    const names = Object.keys(BLOCKS).filter((name) => !/Pad|padding|cubic/.test(name));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }), async (chosen) => {
        const model = stack(chosen);
        const geometry = geometryOf(model);
        expect(geometry.scale).toBe(2);
        expect(await haloByTrial(model, geometry)).toEqual(geometry.halo);
      }),
      { numRuns: 12, seed: 20 },
    );
  });

  it('makes tiles equal the whole picture bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(BLOCKS)), { minLength: 1, maxLength: 4 }),
        fc.nat(1000),
        async (chosen, seed) => {
          const model = stack(chosen);
          const { halo, multipleOf, scale } = geometryOf(model);
          const up = (value: number): number => Math.ceil(value / multipleOf) * multipleOf;
          const tile = up(6);
          const before = up(Math.max(halo!.left, halo!.top));
          const after = up(Math.max(halo!.right, halo!.bottom));
          const size = up(before + after + 2 * tile);
          const image = randomFloats(3 * size * size, seed);
          const session = await load(bytesOf(model));
          try {
            const whole = await session.run(image, [1, 3, size, size]);
            for (const [x, y] of [
              [0, 0],
              [tile, 0],
              [size - tile, tile],
              [before, size - tile],
            ] as const) {
              const x0 = Math.max(0, x - before);
              const y0 = Math.max(0, y - before);
              const width = Math.min(size, x + tile + after) - x0;
              const height = Math.min(size, y + tile + after) - y0;
              const input = crop({ data: image, dims: [1, 3, size, size] }, { x: x0, y: y0, width, height });
              const result = await session.run(input, [1, 3, height, width]);
              const side = tile * scale!;
              const expected = crop(whole, { x: x * scale!, y: y * scale!, width: side, height: side });
              const got = crop(result, { x: (x - x0) * scale!, y: (y - y0) * scale!, width: side, height: side });
              expect(Buffer.from(got.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
            }
          } finally {
            await session.release();
          }
        },
      ),
      { numRuns: 25, seed: 4 },
    );
  });
});

describe('what else is read from the graph', () => {
  it('multiply-accumulates, parameters and memory', () => {
    const model = network((writer, input) => shuffle(writer, conv(writer, input, [3, 12], 3), 2));
    expect(geometryOf(model)).toEqual({
      scale: 2,
      halo: { left: 1, top: 1, right: 1, bottom: 1 },
      multipleOf: 1,
      globalOperators: [],
      macPerPixel: 12 * 27,
      parameters: 12 * 27,
      // 12 values before and 12 after the shuffle; the identity at the end has its own copy.
      activationBytesPerPixel: 4 * 24,
    });
  });

  it('strides make a multiple', () => {
    expect(geometryOf(stack(['stride 2, shuffle'])).multipleOf).toBe(2);
    const twice = network((writer, input) => {
      const half = conv(writer, input, [3, 4], 3, { stride: 2, pads: [1, 1] });
      const quarter = conv(writer, half, [4, 3 * 64], 3, { stride: 2, pads: [1, 1] });
      return shuffle(writer, quarter, 8);
    });
    expect(geometryOf(twice)).toMatchObject({ scale: 2, multipleOf: 4 });
  });

  it.each<[string, (writer: GraphWriter, input: string) => string]>([
    ['GlobalAveragePool', (writer, input) => writer.op('Mul', [input, writer.op('GlobalAveragePool', [input])])],
    [
      'ReduceMean',
      (writer, input) => writer.op('Sub', [input, writer.op('ReduceMean', [input], { axes: [2, 3], keepdims: 1 })]),
    ],
    [
      'InstanceNormalization',
      (writer, input) =>
        writer.op(
          'InstanceNormalization',
          [input, writer.floats([1, 1, 1, 1], [4]), writer.floats([0, 0, 0, 0], [4])],
          { epsilon: float(1e-5) },
        ),
    ],
    ['Softmax', (writer, input) => writer.op('Softmax', [input], { axis: 3 })],
    [
      'Resize',
      (writer, input) => {
        const large = writer.op('Resize', [input, '', writer.floats([1, 1, 2, 2], [4])], {
          mode: 'linear',
          coordinate_transformation_mode: 'align_corners',
        });
        return writer.op('AveragePool', [large], { kernel_shape: [2, 2], strides: [2, 2] });
      },
    ],
  ])('%s looks at the whole picture', (name, build) => {
    const model = network((writer, input) => {
      const value = build(writer, conv(writer, input, [3, 4], 3));
      return shuffle(writer, conv(writer, value, [4, 12], 3), 2);
    });
    expect(geometryOf(model)).toMatchObject({ scale: 2, halo: undefined, globalOperators: [name] });
  });

  it('channel attention is followed to its end', () => {
    const model = network((writer, input) => {
      const value = conv(writer, input, [3, 12], 3);
      const mean = writer.op('GlobalAveragePool', [value]);
      const gate = writer.op('Sigmoid', [
        conv(writer, writer.op('Relu', [conv(writer, mean, [12, 2], 1)]), [2, 12], 1),
      ]);
      return shuffle(writer, writer.op('Mul', [value, gate]), 2);
    });
    expect(geometryOf(model)).toMatchObject({ scale: 2, halo: undefined, globalOperators: ['GlobalAveragePool'] });
  });

  it('an operator that is not known counts as global, and says so', () => {
    const model = network((writer, input) => writer.op('Foo', [conv(writer, input, [3, 4], 3)]));
    expect(geometryOf(model)).toMatchObject({ scale: undefined, halo: undefined, globalOperators: ['Foo (unknown)'] });
  });

  it('a channel-wise softmax, mean or product is local', () => {
    const model = network((writer, input) => {
      const value = writer.op('Softmax', [conv(writer, input, [3, 12], 3)], { axis: 1 });
      const rows = writer.op('Transpose', [writer.op('Sub', [value, writer.channelMean(value)])], {
        perm: [0, 2, 3, 1],
      });
      const mixed = writer.op('MatMul', [rows, writer.floats(randomFloats(144, 3), [12, 12])]);
      return shuffle(writer, writer.op('Transpose', [mixed], { perm: [0, 3, 1, 2] }), 2);
    });
    expect(geometryOf(model)).toMatchObject({
      scale: 2,
      halo: { left: 1 },
      globalOperators: [],
      macPerPixel: 12 * 27 + 144,
    });
  });

  it('pixel shuffle as Reshape, Transpose, Reshape with computed sizes', async () => {
    const model = network((writer, input) => {
      const value = conv(writer, input, [3, 12], 3, positive);
      const shape = writer.op('Shape', [value]);
      const dim = (index: number): string =>
        writer.op('Unsqueeze', [writer.op('Gather', [shape, scalar(writer, index)], { axis: 0 }), writer.ints([0])]);
      const [rows, columns] = [dim(2), dim(3)];
      const split = writer.op('Concat', [writer.ints([1, 3, 2, 2]), rows, columns], { axis: 0 });
      const two = writer.ints([2]);
      const joined = writer.op(
        'Concat',
        [writer.ints([1, 3]), writer.op('Mul', [rows, two]), writer.op('Mul', [columns, two])],
        { axis: 0 },
      );
      const six = writer.op('Reshape', [value, split]);
      return writer.op('Reshape', [writer.op('Transpose', [six], { perm: [0, 1, 4, 2, 5, 3] }), joined]);
    });
    const geometry = geometryOf(model);
    expect(geometry).toMatchObject({ scale: 2, halo: { left: 1, top: 1, right: 1, bottom: 1 }, globalOperators: [] });
    expect(await haloByTrial(model, geometry)).toEqual(geometry.halo);
  });

  it('windows of pixels, as some transformers cut them, are blocks', () => {
    const model = network((writer, input) => {
      const value = conv(writer, input, [3, 12], 3);
      const shape = writer.op('Shape', [value]);
      const dim = (index: number): string =>
        writer.op('Unsqueeze', [writer.op('Gather', [shape, scalar(writer, index)], { axis: 0 }), writer.ints([0])]);
      const four = writer.ints([4]);
      const [rows, columns] = [writer.op('Div', [dim(2), four]), writer.op('Div', [dim(3), four])];
      const cut = writer.op('Reshape', [
        value,
        writer.op('Concat', [writer.ints([1, 12]), rows, four, columns, four], { axis: 0 }),
      ]);
      // Something that mixes the pixels of a window only.
      const mixed = writer.op('Softmax', [writer.op('Transpose', [cut], { perm: [0, 1, 2, 4, 3, 5] })], { axis: 5 });
      const back = writer.op('Transpose', [mixed], { perm: [0, 1, 2, 4, 3, 5] });
      return shuffle(writer, writer.op('Reshape', [back, shape]), 2);
    });
    expect(geometryOf(model)).toMatchObject({
      scale: 2,
      multipleOf: 4,
      halo: { left: 1, right: 1 },
      globalOperators: [],
    });
  });

  it('nearest enlargement by Expand', () => {
    const model = network((writer, input) => {
      const shape = writer.op('Shape', [input]);
      const dim = (index: number): string =>
        writer.op('Unsqueeze', [writer.op('Gather', [shape, scalar(writer, index)], { axis: 0 }), writer.ints([0])]);
      const [one, two] = [writer.ints([1]), writer.ints([2])];
      const apart = writer.op('Unsqueeze', [input, writer.ints([3, 5])]);
      const wide = writer.op('Expand', [apart, writer.op('Concat', [one, one, one, two, one, two], { axis: 0 })]);
      const target = writer.op(
        'Concat',
        [writer.ints([1, 3]), writer.op('Mul', [dim(2), two]), writer.op('Mul', [dim(3), two])],
        { axis: 0 },
      );
      return writer.op('Reshape', [wide, target]);
    });
    expect(geometryOf(model)).toMatchObject({
      scale: 2,
      halo: { left: 0, top: 0, right: 0, bottom: 0 },
      globalOperators: [],
    });
  });
});

function scalar(writer: GraphWriter, value: number): string {
  return writer.op('Squeeze', [writer.ints([value]), writer.ints([0])]);
}
