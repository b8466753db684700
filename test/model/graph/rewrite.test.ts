import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { makeModel, readOnnx } from '#src/model/graph/onnx/file.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { TensorProtoSchema } from '#src/model/graph/onnx/onnx_pb.js';
import { readFloats, readNumbers, fromHalf } from '#src/model/graph/onnx/tensor.js';
import { rewritePrelu } from '#src/model/graph/rewrite/prelu.js';
import { widenHalf } from '#src/model/graph/rewrite/half.js';
import { bytesOf, conv, difference, network, randomFloats, run, shuffle } from '../support.js';

function preluNetwork(slopes: readonly number[] | Float32Array, dims: readonly number[], opset = 13) {
  return network(
    (writer, input) => {
      const value = conv(writer, input, [3, 16], 3);
      const bent = writer.op('PRelu', [value, writer.floats(slopes, dims)]);
      return shuffle(writer, conv(writer, bent, [16, 12], 3), 2);
    },
    { opset },
  );
}

describe('the PReLU rewrite', () => {
  const image = randomFloats(3 * 20 * 24, 3, -1, 1);

  it.each([9, 11, 13, 16, 18])('equals PReLU with a slope per channel, operator set %i', async (opset) => {
    const model = preluNetwork(randomFloats(16, 9, -0.3, 1.2), [16, 1, 1], opset);
    const before = await run(bytesOf(model), image, [1, 3, 20, 24]);
    rewritePrelu(model);
    const kinds = model.graph.node.map(({ opType }) => opType);
    expect(kinds).not.toContain('PRelu');
    expect(kinds.filter((kind) => kind === 'Conv')).toHaveLength(4);
    const after = await run(bytesOf(model), image, [1, 3, 20, 24]);
    expect(difference(before.data, after.data)).toBeLessThan(2e-6);
  });

  it('needs nothing of the convolutions that come next where no slope is over 1', async () => {
    const model = preluNetwork(randomFloats(16, 9, -0.3, 1), [16, 1, 1]);
    const weights = model.graph.node.filter(({ opType }) => opType === 'Conv').map(({ input }) => input[1]);
    const before = await run(bytesOf(model), image, [1, 3, 20, 24]);
    rewritePrelu(model);
    const after = await run(bytesOf(model), image, [1, 3, 20, 24]);
    expect(difference(before.data, after.data)).toBeLessThan(2e-6);
    expect(model.graph.node.flatMap(({ input }) => input)).toEqual(expect.arrayContaining(weights));
  });

  it('equals PReLU where something else than a convolution comes next', async () => {
    const model = network((writer, input) => {
      const value = conv(writer, input, [3, 12], 3);
      return shuffle(writer, writer.op('PRelu', [value, writer.floats(randomFloats(12, 9, 0.5, 1.5), [12, 1, 1])]), 2);
    });
    const before = await run(bytesOf(model), image, [1, 3, 20, 24]);
    rewritePrelu(model);
    expect(model.graph.node.map(({ opType }) => opType)).not.toContain('PRelu');
    const after = await run(bytesOf(model), image, [1, 3, 20, 24]);
    expect(difference(before.data, after.data)).toBeLessThan(2e-6);
  });

  it('becomes a LeakyRelu with one slope', async () => {
    for (const [slopes, dims] of [
      [[0.2], [1]],
      [new Float32Array(16).fill(0.2), [16, 1, 1]],
      [[0.2], [1, 1, 1]],
    ] as const) {
      const model = preluNetwork(slopes, dims);
      const before = await run(bytesOf(model), image, [1, 3, 20, 24]);
      rewritePrelu(model);
      expect(model.graph.node.map(({ opType }) => opType)).toContain('LeakyRelu');
      const after = await run(bytesOf(model), image, [1, 3, 20, 24]);
      expect(difference(before.data, after.data)).toBeLessThan(1e-6);
    }
  });

  it('leaves slopes alone that are not one per channel, or not constant', () => {
    const perPixel = network((writer, input) => writer.op('PRelu', [input, writer.floats([0.1, 0.2], [2])]));
    const computed = network((writer, input) =>
      writer.op('PRelu', [input, writer.op('Relu', [writer.floats([0.1], [1])])]),
    );
    for (const model of [perPixel, computed]) {
      rewritePrelu(model);
      expect(model.graph.node.map(({ opType }) => opType)).toContain('PRelu');
    }
  });

  it('removes the constants that it replaced', () => {
    const model = preluNetwork(randomFloats(16, 9), [16, 1, 1]);
    const count = model.graph.initializer.length;
    rewritePrelu(model);
    expect(model.graph.initializer).toHaveLength(count + 1);
  });
});

describe('float16', () => {
  it('numbers are read exactly', () => {
    expect([0x3c00, 0xc000, 0x7bff, 0x0001, 0x8400, 0x7c00, 0].map(fromHalf)).toEqual([
      1,
      -2,
      65504,
      2 ** -24,
      -(2 ** -14),
      Infinity,
      0,
    ]);
    expect(fromHalf(0x7e00)).toBeNaN();
  });

  it('weights, casts and the interface become float32', () => {
    const writer = new GraphWriter(13, '');
    writer.op('Cast', ['x'], { to: 10 }, 'y');
    const model = makeModel({ opset: 13, nodes: writer.nodes, initializers: [], inputs: [], outputs: [] });
    model.graph.initializer.push(
      create(TensorProtoSchema, { name: 'w', dims: [2n], dataType: 10, int32Data: [0x3c00, 0x3800] }),
      create(TensorProtoSchema, { name: 'none', dims: [0n], dataType: 10 }),
    );
    widenHalf(model.graph);
    expect(model.graph.initializer.map(({ dataType }) => dataType)).toEqual([1, 1]);
    expect([...readFloats(model.graph.initializer[0]!)]).toEqual([1, 0.5]);
    expect(model.graph.node[0]!.attribute[0]!.i).toBe(1n);
  });
});

describe('reading', () => {
  it.each([
    ['nothing', new Uint8Array(), /is empty/],
    ['text', new TextEncoder().encode('<!doctype html><html><head><title>404'), /can't be read as ONNX/],
    ['a PNG', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), /can't be read as ONNX/],
    ['a file cut short', bytesOf(preluNetwork([0.1], [1])).subarray(0, 900), /cut short|can't be read as ONNX/],
  ])('refuses %s', (_, bytes, words) => {
    expect(() => readOnnx(bytes, 'x.onnx')).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
    expect(() => readOnnx(bytes, 'x.onnx')).toThrow(words);
  });

  it('finds values in raw bytes and in typed fields, and misses none', () => {
    const typed = create(TensorProtoSchema, { name: 'a', dims: [2n], dataType: 7, int64Data: [3n, -1n] });
    expect(readNumbers(typed)).toEqual([3, -1]);
    const raw = create(TensorProtoSchema, {
      name: 'a',
      dims: [2n],
      dataType: 6,
      rawData: Uint8Array.from([1, 0, 0, 0, 255, 255, 255, 255]),
    });
    expect(readNumbers(raw)).toEqual([1, -1]);
    const short = create(TensorProtoSchema, { name: 'a', dims: [3n], dataType: 1, floatData: [1] });
    expect(() => readNumbers(short)).toThrow(/damaged/);
    const text = create(TensorProtoSchema, { name: 'a', dims: [1n], dataType: 8 });
    expect(() => readNumbers(text)).toThrow(expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }));
  });
});
