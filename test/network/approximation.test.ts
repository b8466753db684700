import { rm } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { float } from '#src/model/graph/onnx/node.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { UpresError } from '#src/errors.js';
import { modelFromBytes } from '#src/model/catalogue/model.js';
import { loadRuntime } from '#src/network/pool/runtime.js';
import { largestProduct } from '#src/network/weights/largest-product.js';
import { largestDifference, type Plane } from '#src/network/proving.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { findApproximation, findFixedApproximation } from '#src/network/weights/approximation-trial.js';
import type { MeasuredGeometry } from '#src/network/weights/weights-manifest.js';
import { pictureLike } from '#src/network/weights/trial-pictures.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { imageNetwork } from '../support/image-network.js';

const cacheFolder = temporaryFolder();
afterAll(() => rm(cacheFolder, { recursive: true, force: true }));

type Step = (writer: GraphWriter, value: string) => string;

/** A ×2 network: a small stack, `middle` added at a tenth, and larger pixels. */
function network(middle: Step): Uint8Array {
  const writer = new GraphWriter(17, 'n');
  const each = Float32Array.from({ length: 36 }, (_, at) => Number(Math.floor(at / 12) === at % 3));
  const seen = writer.op('Add', ['input', writer.op('Mul', [middle(writer, 'input'), writer.floats([0.1])])]);
  const phases = writer.op('Conv', [seen, writer.floats(each, [12, 3, 1, 1])], { kernel_shape: [1, 1] });
  writer.op('DepthToSpace', [phases], { blocksize: 2, mode: 'CRD' }, 'output');
  return imageNetwork(writer, 17);
}

/** As many 3×3 convolutions, one after another, that look far and add little: ESRGAN's kind. */
const deep =
  (layers: number): Step =>
  (writer, value) => {
    const kernel = Float32Array.from({ length: 81 }, (_, at) => {
      const [out, into, tap] = [Math.floor(at / 27), Math.floor(at / 9) % 3, at % 9];
      return out === into ? (tap === 4 ? 0.9 : 0.012) : 0;
    });
    const weights = writer.floats(kernel, [3, 3, 3, 3]);
    let current = value;
    for (let layer = 0; layer < layers; layer++) {
      const seen = writer.op('Conv', [current, weights], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
      current = writer.op('LeakyRelu', [seen], { alpha: float(0.2) });
    }
    return current;
  };

/** Mean and variance of the whole picture. */
const normalised: Step = (writer, value) =>
  writer.op('InstanceNormalization', [value, writer.floats([0.4, 0.4, 0.4], [3]), writer.floats([0, 0, 0], [3])]);

/** ESA's kind: reduced by windows that do not divide the picture, and enlarged to its computed size. */
const resized: Step = (writer, value) => {
  const kernel = writer.floats(new Float32Array(81).fill(1 / 27), [3, 3, 3, 3]);
  const small = writer.op('Conv', [value, kernel], { kernel_shape: [3, 3], strides: [2, 2] });
  const pool = writer.op('MaxPool', [small], { kernel_shape: [7, 7], strides: [3, 3] });
  return writer.op('Resize', [pool, '', '', writer.op('Shape', [value])], { mode: 'linear' });
};

/** Each pixel is compared with each. */
const attention: Step = (writer, value) => {
  const rows = writer.op('Reshape', [value, writer.ints([1, 3, -1])]);
  const compared = writer.op('MatMul', [writer.op('Transpose', [rows], { perm: [0, 2, 1] }), rows]);
  const weights = writer.op('Softmax', [compared], { axis: 1 });
  return writer.op('Reshape', [writer.op('MatMul', [rows, weights]), writer.op('Shape', [value])]);
};

const alongChannels: Step = (writer, value) => {
  const rows = writer.op('Reshape', [value, writer.ints([1, 3, -1])]);
  const compared = writer.op('MatMul', [rows, writer.op('Transpose', [rows], { perm: [0, 2, 1] })]);
  return writer.op('Add', [value, writer.mean(compared, [1, 2], false)]);
};

const random: Step = (writer, value) =>
  writer.op('Add', [value, writer.op('RandomNormalLike', [value], { scale: float(0.01) })]);

/** Of a graph that can't be followed. */
const anyGraph: MeasuredGeometry = {
  scale: 1,
  halo: undefined,
  multipleOf: 1,
  globalOperators: ['MatMul (unknown)'],
  macPerPixel: 0,
  activationBytesPerPixel: 24,
  parameters: 0,
  pixelsPerMs: 1e6,
};

function picture(side: number): { width: number; height: number; channels: 3; data: Uint8Array } {
  const { data } = pictureLike(side, 0.9);
  const pixels = Uint8Array.from({ length: data.length }, (_, at) =>
    Math.round(255 * data[(at % 3) * side * side + Math.floor(at / 3)]!),
  );
  return { width: side, height: side, channels: 3, data: pixels };
}

const load = (bytes: Uint8Array, options: object = {}): Promise<ThreadSafeNetwork> =>
  ThreadSafeNetwork.fromBytes(bytes, { cacheFolder, ...options });

describe('a network whose tiles can not equal the whole at a bearable cost', () => {
  test('with a field of more than 64 pixels is cut with as little context as shows no difference', async () => {
    const bytes = network(deep(66));
    await using one = await load(bytes, { threads: 1, memoryBudget: 2 ** 20 });
    const { halo, approximation } = one.weights.geometry;
    expect(halo).toMatchObject({ left: 66, top: 66 });
    expect(approximation!.halo).toBeLessThanOrEqual(64);
    expect(approximation!.levels).toBeLessThanOrEqual(1);
    const large = picture(220);
    let tiles = 0;
    const result = await one.upscaleImage(large, { onTile: () => tiles++ });
    expect(tiles).toBeGreaterThan(1);
    await using more = await load(bytes, { threads: 3, memoryBudget: 2 ** 20 });
    expect((await more.upscaleImage(large)).data).toEqual(result.data);
    const { levels } = approximation!;
    expect(result.approximate).toBe(levels! < 0.05 ? undefined : 1);
    const whole = await one.upscaleImage(large, { tilePixels: Infinity });
    const most = largestDifference(whole.data, result.data);
    expect(most).toBeLessThanOrEqual(1);
  });

  test('equal but for rounding is cut without asking', async () => {
    await using loaded = await load(
      network((writer, value) => {
        const large = writer.op('Resize', [value, '', writer.floats([1, 1, 3, 3], [4])], { mode: 'linear' });
        return writer.op('AveragePool', [large], { kernel_shape: [3, 3], strides: [3, 3] });
      }),
      { memoryBudget: 2 * 2 ** 20 },
    );
    const { halo, approximation } = loaded.weights.geometry;
    expect(halo).toBeUndefined();
    expect(approximation!.levels).toBeLessThan(0.01);
    const result = await loaded.upscaleImage(picture(400));
    expect(result.width).toBe(800);
    expect(result).not.toHaveProperty('approximate');
  });

  test('that looks at the whole picture is refused where it has no room, unless approximation is accepted', async () => {
    await using loaded = await load(network(normalised), { memoryBudget: 2 * 2 ** 20 });
    expect(loaded.weights.geometry.approximation!.levels).toBeGreaterThan(1);
    expect(await codeOf(loaded.upscaleImage(picture(400)))).toBe('INPUT_TOO_LARGE');
    const result = await loaded.upscaleImage(picture(400), { acceptApproximation: true });
    const { levels } = loaded.weights.geometry.approximation!;
    expect(result).toMatchObject({ width: 800, approximate: 1, approximateBy: Math.round(levels! * 100) / 100 });
    expect(await loaded.upscaleImage(picture(40))).not.toHaveProperty('approximate');
  });

  test.each([
    ['that fails on more pixels than it was measured with', 200],
    ['that fails on each tile', 0],
  ])('%s is used for what it can be used for', async (_, most) => {
    const run = (plane: Plane): Promise<Plane> =>
      plane.width > most ? Promise.reject(new UpresError('MODEL_UNSUPPORTED', 'no memory')) : Promise.resolve(plane);
    expect(await findApproximation(run, anyGraph)).toEqual({ halo: 96, unit: 48 });
  });

  test('whose results are no numbers has no difference that is known, in its manifest neither', async () => {
    const run = (plane: Plane): Promise<Plane> => Promise.resolve({ ...plane, data: plane.data.map(() => NaN) });
    const found = await findApproximation(run, anyGraph);
    expect(JSON.parse(JSON.stringify(found))).toEqual({ halo: 96, unit: 48 });
  });

  test('shows that it sees far, though every part of the trial picture looks like the whole', async () => {
    const run = (plane: Plane): Promise<Plane> => {
      const corners = [plane.data[0]!, plane.data.at(-1)!].every((value) => value > 0.99);
      return Promise.resolve({ ...plane, data: plane.data.map((value) => value + Number(corners) * 0.02) });
    };
    const found = await findApproximation(run, anyGraph);
    expect(found).toMatchObject({ halo: 96, unit: 48 });
    expect(found.levels).toBeCloseTo(255 * 0.02, 3);
    // Where the graph tells how far it sees, tiles alone are compared.
    const halo = { left: 100, right: 100, top: 100, bottom: 100 };
    expect(await findApproximation(run, { ...anyGraph, halo })).toMatchObject({ halo: 32, levels: 0 });
  });

  test('that would need the square of its memory for the whole is not tried on it', async () => {
    const sides: number[] = [];
    const run = (plane: Plane): Promise<Plane> => {
      sides.push(plane.width);
      return Promise.resolve(plane);
    };
    expect(await findApproximation(run, anyGraph, (side) => side ** 4)).toEqual({ halo: 96, unit: 48 });
    expect(sides).toEqual([]);
    expect(await findApproximation(run, anyGraph, (side) => 64 * side ** 2)).toMatchObject({ levels: 0 });
  });

  test.each<[string, Step, number]>([
    ['attention over all pixels', attention, 128 ** 4],
    ['attention along channels', alongChannels, 9],
    ['no product', resized, 0],
  ])('tells how its matrix products grow: %s', async (_, middle, elements) => {
    const { reference } = await (await modelFromBytes(network(middle), 'network')).build();
    const productOf = await largestProduct(await loadRuntime(), 'cpu', reference, 1);
    expect(Math.round(productOf(128))).toBe(elements);
  });

  test('tells so with pictures of sides that it takes', async () => {
    const inThirds: Step = (writer, value) => {
      const parts = writer.op('SpaceToDepth', [attention(writer, value)], { blocksize: 3 });
      return writer.op('DepthToSpace', [parts], { blocksize: 3, mode: 'DCR' });
    };
    const { reference } = await (await modelFromBytes(network(inThirds), 'network')).build();
    const productOf = await largestProduct(await loadRuntime(), 'cpu', reference, 3);
    expect(Math.round(productOf(99))).toBe(99 ** 4);
  });

  test('for one size alone is not tried where its weights say that it would take too long', async () => {
    const run = (plane: Plane): Promise<Plane> => Promise.resolve(plane);
    const fixed = { ...anyGraph, fixedSize: { width: 512, height: 512 } };
    expect(await findFixedApproximation(run, fixed)).toMatchObject({ levels: 0 });
    expect(await findFixedApproximation(run, { ...fixed, parameters: 2e7 })).not.toHaveProperty('levels');
  });

  test('that resizes to computed sizes is used', async () => {
    await using loaded = await load(network(resized));
    expect(loaded.factor).toBe(2);
    expect((await loaded.upscaleImage(picture(101))).width).toBe(202);
  });

  test('that computes with random numbers is refused', async () => {
    const loading = load(network(random));
    await expect(loading).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    await expect(loading).rejects.toThrow(/random numbers \(RandomNormalLike/);
  });
});
