import { rm } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { largestDifference } from '#src/network/proving.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { pictureLike } from '#src/network/weights/trial-pictures.js';
import { temporaryFolder } from '../support/folders.js';
import { cunet, excitedBy, pooledNetwork, type Pooled } from '../support/pooled-networks.js';

const cacheFolder = temporaryFolder();
afterAll(() => rm(cacheFolder, { recursive: true, force: true }));

const load = (bytes: Uint8Array, options: object = {}): Promise<ThreadSafeNetwork> =>
  ThreadSafeNetwork.fromBytes(bytes, { cacheFolder, ...options });

/** A picture whose parts have unlike means: bright at the left. */
function picture(width: number, height: number): Float32Array {
  const side = Math.max(width, height);
  const { data } = pictureLike(side, 1);
  return Float32Array.from({ length: 3 * width * height }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    return data[((at % 3) * side + y) * side + x]! * (1 - x / width / 1.3);
  });
}

/** What the runtime alone makes of it. */
async function bare(bytes: Uint8Array, data: Float32Array, width: number, height: number): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes);
  const planes = Float32Array.from(
    data,
    (_, at) => data[(at % (width * height)) * 3 + Math.floor(at / width / height)]!,
  );
  const { output } = await session.run({ input: new Tensor('float32', planes, [1, 3, height, width]) });
  const pixels = 4 * width * height;
  const values = output!.data as Float32Array;
  return Float32Array.from(values, (_, at) =>
    Math.min(1, Math.max(0, values[(at % 3) * pixels + Math.floor(at / 3)]!)),
  );
}

const flat: Pooled = (writer, features) => {
  const mean = writer.op('ReduceMean', [features], { axes: [2, 3], keepdims: 0 });
  return writer.op('Reshape', [mean, writer.ints([1, 8, 1, 1])]);
};

const channelsLast: Pooled = (writer, features) => {
  const last = writer.op('Transpose', [features], { perm: [0, 2, 3, 1] });
  const mean = writer.op('ReduceMean', [last], { axes: [1, 2], keepdims: 1 });
  return writer.op('Transpose', [mean], { perm: [0, 3, 1, 2] });
};

const two: Pooled = (writer, features) =>
  writer.op('Add', [writer.op('GlobalAveragePool', [features]), writer.op('GlobalMaxPool', [features])]);

const ofHalves: Pooled = (writer, features) =>
  writer.op('GlobalAveragePool', [writer.op('MaxPool', [features], { kernel_shape: [2, 2], strides: [2, 2] })]);

const afterAnother: Pooled = (writer, features) => writer.op('GlobalAveragePool', [excitedBy(two)(writer, features)]);

describe('a network that pools over the whole picture is computed in tiles, exactly', () => {
  test.each<[string, Uint8Array, number]>([
    ['cunet, four times', cunet(), 4],
    ['without its axes', pooledNetwork(excitedBy(flat)), 1],
    ['of channels last', pooledNetwork(excitedBy(channelsLast)), 1],
    ['of a smaller picture', pooledNetwork(excitedBy(ofHalves)), 1],
    ['two, and one of what they change', pooledNetwork(excitedBy(afterAnother)), 2],
    [
      'in a newer operator set, of axes counted from the end',
      pooledNetwork(
        excitedBy((writer, features) => writer.op('ReduceMean', [features, writer.ints([-1, -2])], { keepdims: 1 })),
        18,
      ),
      1,
    ],
  ])('%s', async (_, bytes, stages) => {
    const [width, height] = [150, 131];
    const data = picture(width, height);
    const tensor = { data, dims: [1, height, width, 3] } as const;
    await using one = await load(bytes, { threads: 1 });
    expect(one.weights.geometry.pooling?.stages).toHaveLength(stages);
    const whole = await one.process(tensor, { tilePixels: Infinity });
    expect(
      largestDifference(whole.data, await wholeOf(bytes, data, width, height, one.weights.geometry.multipleOf)),
    ).toBeLessThan(1e-5);

    let tiles = 0;
    const inTiles = await one.process(tensor, { tilePixels: 6000, onTile: () => tiles++ });
    expect(tiles).toBeGreaterThan(2 * (stages + 1));
    expect(Buffer.from(inTiles.data.buffer).equals(Buffer.from(whole.data.buffer))).toBe(true);
    await using more = await load(bytes, { threads: 3, memoryBudget: 2 ** 20 });
    const done: number[] = [];
    const small = await more.process(tensor, { onProgress: ({ donePixels }) => done.push(donePixels) });
    expect(Buffer.from(small.data.buffer).equals(Buffer.from(whole.data.buffer))).toBe(true);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done.at(-1)).toBe(width * height);
  });

  test('repeated tiles count as often as they are there', async () => {
    const bytes = pooledNetwork(excitedBy(two));
    await using network = await load(bytes);
    const side = 160;
    const data = Float32Array.from(
      { length: 3 * side * side },
      (_, at) => Number(at % 3 === 1) * 0.5 + Number(at < 3000) * 0.3,
    );
    const tensor = { data, dims: [1, side, side, 3] } as const;
    const whole = await network.process(tensor, { tilePixels: Infinity });
    let tiles = 0;
    const inTiles = await network.process(tensor, { tilePixels: 1000, onTile: () => tiles++ });
    expect(tiles).toBeLessThan(60);
    expect(inTiles.data).toEqual(whole.data);
  });

  test('a picture is mirrored that is smaller than what the network mirrors of it', async () => {
    const padded: Pooled = (writer, features) => {
      const pads = [0, 0, 8, 8, 0, 0, 8, 8];
      const wide = writer.op('Pad', [features, writer.ints(pads)], { mode: 'reflect' });
      const cut = writer.op('Pad', [wide, writer.ints(pads.map((pad) => -pad))]);
      return excitedBy((inner, value) => inner.op('GlobalAveragePool', [value]))(writer, cut);
    };
    const bytes = pooledNetwork(padded);
    await using network = await load(bytes);
    expect(network.weights.geometry.leastSide).toBe(16);
    const [width, height] = [13, 9];
    const data = picture(width, height);
    const small = await network.process({ data, dims: [1, height, width, 3] });
    expect(largestDifference(small.data, await wholeOf(bytes, data, width, height, 16))).toBeLessThan(1e-5);
    const one = await network.process({ data: data.slice(0, 3), dims: [1, 1, 1, 3] });
    expect(one.data).toHaveLength(12);
    await using other = await load(pooledNetwork(excitedBy(flat)));
    expect(other.weights.geometry).not.toHaveProperty('leastSide');
  });

  test('a call that is aborted between two passes ends', async () => {
    await using network = await load(cunet(), { threads: 1 });
    const abort = new AbortController();
    const data = picture(200, 200);
    const running = network.process(
      { data, dims: [1, 200, 200, 3] },
      {
        tilePixels: 9000,
        signal: abort.signal,
        onProgress: ({ donePixels, totalPixels }) => {
          if (donePixels > totalPixels / 3) abort.abort();
        },
      },
    );
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

/** The same where sizes have to be multiples: with the picture mirrored beyond its end. */
async function wholeOf(
  bytes: Uint8Array,
  data: Float32Array,
  width: number,
  height: number,
  unit: number,
): Promise<Float32Array> {
  const [w, h] = [Math.ceil(width / unit) * unit, Math.ceil(height / unit) * unit];
  const padded = Float32Array.from({ length: 3 * w * h }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % w, Math.floor(at / 3 / w)];
    const inside = (place: number, length: number): number => (place < length ? place : 2 * length - 1 - place);
    return data[(inside(y, height) * width + inside(x, width)) * 3 + (at % 3)]!;
  });
  const result = await bare(bytes, padded, w, h);
  const row = width * 6;
  return Float32Array.from(
    { length: 12 * width * height },
    (_, at) => result[Math.floor(at / row) * w * 6 + (at % row)]!,
  );
}
