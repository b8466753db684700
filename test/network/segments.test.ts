import { create } from '@bufbuild/protobuf';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { makeModel, readOnnx, writeOnnx, type OnnxModel } from '#src/model/graph/onnx/file.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { tensorInfo } from '#src/model/graph/onnx/node.js';
import { TensorProto_DataType as DataType, TensorProtoSchema } from '#src/model/graph/onnx/onnx_pb.js';
import { cutIntoSegments } from '#src/model/graph/rewrite/segments.js';
import { NO_WATCH, runSegments } from '#src/network/tiles/segments.js';
import { stripsOf } from '#src/network/tiles/strips.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { conv, randomFloats } from '../model/support.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';

const cacheFolder = temporaryFolder();
afterAll(() => rm(cacheFolder, { recursive: true, force: true }));

const runtime = { InferenceSession, Tensor };
const plenty = { memoryBudget: 2 ** 28 };

/** Channels of convolutions of which each costs 0.4 million multiply-accumulates for a pixel: six are heavy. */
const wide = 128;
const range = { low: -0.03, high: 0.03 };

type Body = (writer: GraphWriter, input: string) => string;

/** A core from a function that writes its nodes. */
function core(body: Body, dims: readonly (number | string)[] = [1, 3, 'height', 'width']): OnnxModel {
  const writer = new GraphWriter(13, 't');
  writer.op('Identity', [body(writer, 'input')], {}, 'output');
  return makeModel({
    opset: 13,
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: [tensorInfo('input', DataType.FLOAT, dims)],
    outputs: [tensorInfo('output', DataType.FLOAT, [1, 3, 'out_height', 'out_width'])],
  });
}

const weights = randomFloats(wide * wide * 25, 1, -0.03, 0.03);
const heavy = (writer: GraphWriter, input: string): string => {
  const kernel = writer.floats(weights, [wide, wide, 5, 5]);
  const seen = writer.op('Conv', [input, kernel], { kernel_shape: [5, 5], pads: [2, 2, 2, 2] });
  return writer.op('LeakyRelu', [seen]);
};
const widened = (writer: GraphWriter, input: string): string => conv(writer, input, [3, wide], 3, range);
/** The picture, three times as large: what is held of it is the most that is alive at once, as in real networks. */
const narrowed = (writer: GraphWriter, input: string): string =>
  conv(writer, enlarged(writer, input), [wide, 3], 3, range);
const enlarged = (writer: GraphWriter, input: string): string =>
  writer.op('Resize', [input, '', writer.floats([1, 1, 3, 3], [4])], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
const add = (writer: GraphWriter, ...values: [string, string]): string => writer.op('Add', values);

/** Heavy layers, one after another, with something done to each. */
const stack =
  (count: number, each: (writer: GraphWriter, value: string, layer: number, input: string) => string): Body =>
  (writer, input) => {
    let value = widened(writer, input);
    for (let layer = 0; layer < count; layer++) value = each(writer, value, layer, input);
    return narrowed(writer, value);
  };

const plain = stack(6, (writer, value) => heavy(writer, value));

const residual = stack(6, (writer, value) => add(writer, heavy(writer, value), value));

const trunk: Body = (writer, input) => {
  const first = widened(writer, input);
  let value = first;
  for (let block = 0; block < 3; block++) {
    const outer = value;
    for (let part = 0; part < 2; part++) value = add(writer, heavy(writer, value), value);
    value = add(writer, value, outer);
  }
  return narrowed(writer, add(writer, value, first));
};

const withPicture: Body = (writer, input) => add(writer, residual(writer, input), enlarged(writer, input));

const inTokens: Body = (writer, input) => {
  const last = writer.op('Transpose', [widened(writer, input)], { perm: [0, 2, 3, 1] });
  let value = last;
  const [up, down] = [
    writer.floats(weights.subarray(0, 512 * wide), [wide, 512]),
    writer.floats(weights.subarray(0, 512 * wide), [512, wide]),
  ];
  for (let layer = 0; layer < 30; layer++) {
    const inner = writer.op('Relu', [writer.op('MatMul', [value, up])]);
    value = add(writer, writer.op('MatMul', [inner, down]), value);
  }
  return narrowed(writer, writer.op('Transpose', [value], { perm: [0, 3, 1, 2] }));
};

/** Adds something to each layer that is made of the picture's size: as the masks of shifted windows are. */
const masked: Body = (writer, input) => {
  const rows = writer.op('Slice', [writer.op('Shape', [input]), writer.ints([2]), writer.ints([4])]);
  const ones = writer.op('ConstantOfShape', [rows]);
  const mask = writer.op('Cos', [ones]);
  return stack(6, (inner, value) => add(inner, heavy(inner, value), mask))(writer, input);
};

/** Layers whose values are rounded to bytes. */
const quantised = stack(6, (writer, value) => {
  const [scale, zero] = [writer.floats([0.01]), writer.fresh('zero')];
  writer.initializers.push(
    create(TensorProtoSchema, { name: zero, dataType: DataType.UINT8, rawData: Uint8Array.of(128) }),
  );
  const bytes = writer.op('QuantizeLinear', [value, scale, zero]);
  return heavy(writer, writer.op('DequantizeLinear', [bytes, scale, zero]));
});

/** Every layer sees all before it. */
const dense: Body = (writer, input) => {
  const seen = [1, 2, 3, 4].map(() => widened(writer, input));
  for (let layer = 0; layer < 6; layer++) seen.push(heavy(writer, writer.op('Sum', seen)));
  return narrowed(writer, writer.op('Sum', seen));
};

/** Nothing in it is larger than what its layers hand on. */
const holding: Body = (writer, input) => {
  let value = widened(writer, input);
  for (let layer = 0; layer < 6; layer++) value = heavy(writer, value);
  return conv(writer, value, [wide, 3], 3, range);
};

/** Asks for the size of something in the middle, at its end. */
const askedLate: Body = (writer, input) => {
  const first = heavy(writer, widened(writer, input));
  const shape = writer.op('Shape', [first]);
  let value = first;
  for (let layer = 0; layer < 6; layer++) value = heavy(writer, value);
  return narrowed(writer, add(writer, value, writer.op('ConstantOfShape', [shape])));
};

async function open(model: OnnxModel): Promise<InferenceSession> {
  return InferenceSession.create(writeOnnx(model), { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1 });
}

const [width, height] = [9, 7];
const input = new Tensor('float32', randomFloats(3 * width * height, 5), [1, 3, height, width]);

describe('a heavy graph is cut into segments that compute the same', () => {
  test.each<[string, Body, number]>([
    ['a stack', plain, 2],
    ['residual blocks', residual, 2],
    ['blocks of blocks, around all of which the first layer goes', trunk, 2],
    ['blocks around which the picture goes', withPicture, 2],
    ['tokens', inTokens, 3],
    ['layers with a mask of the size alone', masked, 2],
    ['layers between which values are rounded to bytes', quantised, 2],
    ['a stack of which a size would have to be handed on, but for its end', askedLate, 2],
  ])('%s', async (_, body, least) => {
    const model = core(body);
    const { model: cut, ...plan } = cutIntoSegments(model)!;
    const { shares } = plan;
    expect(shares.length).toBeGreaterThanOrEqual(least);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    const [whole, segments] = [await open(model), await open(cut)];
    const { output } = await whole.run({ input });
    const advances: number[] = [];
    const watch = { ...NO_WATCH, onAdvance: (share: number) => advances.push(share) };
    const seen = await runSegments(runtime, segments, { input }, plan, watch, plenty);
    expect(seen!.output!.dims).toEqual(output!.dims);
    expect(seen!.output!.data).toEqual(output!.data);
    expect(advances).toHaveLength(shares.length - 1);
    await Promise.all([whole.release(), segments.release()]);
  });

  test.each<[string, Body]>([
    ['that is light', stack(3, (writer, value) => heavy(writer, value))],
    ['all of whose layers see all before', dense],
    ['that would hold twice as much', holding],
  ])('but not one %s', (_, body) => {
    expect(cutIntoSegments(core(body)) === undefined).toBe(true);
  });

  test('of which none is begun for a result that no one waits for', async () => {
    const { model, ...plan } = cutIntoSegments(core(plain))!;
    const session = await open(model);
    let runs = 0;
    const counting = {
      inputNames: session.inputNames,
      run: (feeds: Record<string, Tensor>) => (runs++, session.run(feeds)),
    } as unknown as InferenceSession;
    const watch = { ...NO_WATCH, isUnwanted: () => runs === 1 };
    expect(await runSegments(runtime, counting, { input }, plan, watch, plenty)).toBeUndefined();
    expect(runs).toBe(1);
    await session.release();
  });
});

/** A stack with another end. */
const ending =
  (end: Body): Body =>
  (writer, input) => {
    let value = widened(writer, input);
    for (let layer = 0; layer < 5; layer++) value = heavy(writer, value);
    return end(writer, value);
  };
const narrow = (writer: GraphWriter, value: string): string => conv(writer, value, [wide, 3], 3, range);
const resized =
  (scale: number, mode: 'nearest' | 'linear', coordinates = 'half_pixel'): Body =>
  (writer, value) => {
    const scales = writer.floats([1, 1, scale, scale], [4]);
    const attributes = { mode, coordinate_transformation_mode: coordinates, nearest_mode: 'floor' };
    return narrow(writer, writer.op('Resize', [value, '', scales], attributes));
  };
const shuffled: Body = (writer, value) => {
  const spread = writer.op('DepthToSpace', [writer.op('Concat', [value, value], { axis: 1 })], { blocksize: 4 });
  const many = writer.op('LeakyRelu', [conv(writer, spread, [wide / 8, wide / 2], 3, range)]);
  return conv(writer, writer.op('Mul', [many, writer.op('Sigmoid', [many])]), [wide / 2, 3], 3, range);
};
const twice: Body = (writer, value) => {
  const larger = (input: string): string =>
    writer.op('Resize', [input, '', writer.floats([1, 1, 2, 2], [4])], { mode: 'nearest', nearest_mode: 'floor' });
  return narrow(writer, larger(heavy(writer, larger(value))));
};
const placedEnd: Body = (writer, value) => {
  const places = writer.floats(randomFloats(36 * 72, 9), [1, 1, 36, 72]);
  return narrow(writer, add(writer, enlarged(writer, value), places));
};
const transposedEnd: Body = (writer, value) => {
  const turned = writer.op('Transpose', [enlarged(writer, value)], { perm: [0, 1, 3, 2] });
  return narrow(writer, writer.op('Transpose', [turned], { perm: [0, 1, 3, 2] }));
};
const meanEnd: Body = (writer, value) => {
  const large = enlarged(writer, value);
  return narrow(writer, writer.op('Sub', [large, writer.op('GlobalAveragePool', [large])]));
};

/** The graph as the runtime optimised it, with the weights in it. */
async function optimised(model: OnnxModel): Promise<OnnxModel> {
  const path = join(cacheFolder, 'optimised.onnx');
  const session = await InferenceSession.create(writeOnnx(model), {
    ...{ graphOptimizationLevel: 'all', intraOpNumThreads: 1, optimizedModelFilePath: path, logSeverityLevel: 3 },
  });
  await session.release();
  return readOnnx(await readFile(path));
}

describe('an end that enlarges what it is given is made in strips', () => {
  const [columns, rows] = [24, 12];
  const picture = new Tensor('float32', randomFloats(3 * columns * rows, 5), [1, 3, rows, columns]);

  const ends: [string, Body, number | undefined][] = [
    ['pixels repeated', resized(3, 'nearest'), 3],
    ['twice, with a convolution between', twice, 5],
    ['pixels between, twofold', resized(2, 'linear'), 3],
    ['channels that become pixels', shuffled, 1],
    ['but not where pixels between depend on where they are', resized(3, 'linear'), undefined],
    ['but not where something is added to each place', placedEnd, undefined],
    ['but not where rows become columns', transposedEnd, undefined],
    ['but not where it looks at all of it', meanEnd, undefined],
  ];
  test.each(ends)('%s', async (_, end, halo) => {
    const written = core(ending(end));
    const models = halo === undefined ? [written] : [written, await optimised(written)];
    for (const model of models) {
      const { model: cut, ...plan } = cutIntoSegments(model)!;
      // The runtime has operators of its own, which take other rows, and does without some.
      if (model === written) expect(plan.strips?.halo).toBe(halo);
      else expect(plan.strips).toBeDefined();
      const [whole, segments] = [await open(model), await open(cut)];
      const { output } = await whole.run({ input: picture });
      for (const limit of [plenty, { rows: 5 }]) {
        const advances: number[] = [];
        const watch = { ...NO_WATCH, onAdvance: (share: number) => advances.push(share) };
        const seen = await runSegments(runtime, segments, { input: picture }, plan, watch, limit);
        expect(seen!.output!.dims).toEqual(output!.dims);
        expect(seen!.output!.data).toEqual(output!.data);
        const strips = plan.strips && 'rows' in limit ? Math.ceil(rows / limit.rows) : 1;
        expect(advances).toHaveLength(plan.shares.length + strips - 2);
      }
      await Promise.all([whole.release(), segments.release()]);
    }
  });

  test.each([
    [2 ** 30, 1],
    [64 * 2 ** 20, 2],
    [16 * 2 ** 20, 8],
    [1, 11],
  ])('as high as a memory budget of %i bytes allows, and nine rows at least', (memoryBudget, count) => {
    const held = [{ dims: [0] }, { dims: [1, 64, 96, 100] }] as unknown as Tensor[];
    const strips = stripsOf(held, { halo: 2, bytesPerPlace: 2 ** 20 / 400 }, { memoryBudget });
    expect(strips).toHaveLength(count);
    expect(strips.reduce((rows, { start, end }) => rows + end - start, 0)).toBe(96);
  });

  test('of which none is begun for a result that no one waits for', async () => {
    const { model, ...plan } = cutIntoSegments(core(ending(twice)))!;
    const session = await open(model);
    let told = 0;
    const watch = { isUnwanted: () => told === plan.shares.length, onAdvance: () => (told += 1) };
    expect(await runSegments(runtime, session, { input: picture }, plan, watch, { rows: 4 })).toBeUndefined();
    expect(told).toBe(plan.shares.length);
    await session.release();
  });
});

const side = 8;

/** A network for pictures of one size alone, so that a trial costs little: it adds something to each place. */
const placed = (): Uint8Array =>
  writeOnnx(
    core(
      (writer, picture) => {
        const places = writer.floats(new Float32Array(3 * side * side), [1, 3, side, side]);
        return add(writer, trunk(writer, add(writer, picture, places)), enlarged(writer, picture));
      },
      [1, 3, side, side],
    ),
  );

describe('while a tile of a heavy network is computed', () => {
  const picture = {
    width: side,
    height: side,
    channels: 3 as const,
    data: Uint8Array.from(randomFloats(3 * side * side, 7, 30, 220)),
  };

  test.each(['cpu', 'wasm'] as const)(
    'its progress is told, and it can be cancelled: %s',
    async (device) => {
      await using network = await ThreadSafeNetwork.fromBytes(placed(), { cacheFolder, device, threads: 1 });
      const { fixedSize, segments } = network.weights.geometry;
      expect(fixedSize).toEqual({ width: side, height: side });
      expect(segments!.shares.length).toBeGreaterThanOrEqual(2);

      const done: number[] = [];
      let tiles = 0;
      const result = await network.upscaleImage(picture, {
        onTile: () => tiles++,
        onProgress: ({ donePixels }) => done.push(donePixels),
      });
      expect(tiles).toBe(1);
      expect(done).toHaveLength(segments!.shares.length);
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      expect(done.at(-1)).toBe(side * side);

      const abort = new AbortController();
      let told = 0;
      const cancelled = network.upscaleImage(picture, {
        signal: abort.signal,
        onProgress: () => {
          told++;
          abort.abort();
        },
      });
      expect(await codeOf(cancelled)).toBe('ABORTED');
      expect((await network.upscaleImage(picture)).data).toEqual(result.data);
      expect(told).toBe(1);

      // Two pictures on one thread, of which what is held between segments must not be mixed up.
      const other = { ...picture, data: picture.data.toReversed() };
      const alone = await network.upscaleImage(other);
      const both = await Promise.all([network.upscaleImage(picture), network.upscaleImage(other)]);
      expect(both.map(({ data }) => data)).toEqual([result.data, alone.data]);
      // The runtime in WebAssembly computes slowly on a busy machine.
    },
    180_000,
  );
});
