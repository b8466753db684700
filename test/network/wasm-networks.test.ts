import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeModel, writeOnnx } from '#src/model/graph/onnx/file.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { tensorInfo } from '#src/model/graph/onnx/node.js';
import { TensorProto_DataType as DataType } from '#src/model/graph/onnx/onnx_pb.js';
import type { NetworkOptions } from '#src/network/network-options.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { conv, files, input, plain, weights } from '../model/graph/import/ncnn/network.js';
import { allBuiltins } from '../support/builtins.js';
import { onWasm } from '../support/device.js';
import { temporaryFolder } from '../support/folders.js';
import { networkOfOne } from '../support/network-of-one.js';
import { globalNetwork, plainNetwork, smoothing, stridedNetwork } from '../support/networks.js';
import { noise } from '../support/pictures.js';

// Every kind of network, native and in WebAssembly. What the graph is made of decides which kernels compute it, and those are other
// ones there.

const folder = temporaryFolder();

type Load = (options: NetworkOptions) => Promise<ThreadSafeNetwork>;

const builtin =
  (name: string, scale: number): Load =>
  (options) =>
    ThreadSafeNetwork.fromLabel(name, { ...options, scale });
const bytes =
  (network: () => Uint8Array): Load =>
  (options) =>
    ThreadSafeNetwork.fromBytes(network(), options);
const file =
  (path: string): Load =>
  (options) =>
    ThreadSafeNetwork.loadFromFile(fileURLToPath(new URL(`../model/fixtures/${path}`, import.meta.url)), options);

/** A ×2 network that takes and gives numbers of 0..255, as bytes where that is asked for. */
function network255(types: { takes?: DataType; gives?: DataType }): Uint8Array {
  const { takes = DataType.FLOAT, gives = DataType.FLOAT } = types;
  const writer = new GraphWriter(13, 'n');
  const floats = writer.op('Cast', ['input'], { to: DataType.FLOAT });
  const spread = Float32Array.from({ length: 12 * 27 }, (_, at) => {
    const [to, from, place] = [Math.floor(at / 27), Math.floor(at / 9) % 3, at % 9];
    return Math.floor(to / 4) === from ? [0.02, 0.05, 0.03, 0.1, 0.6, 0.1, 0.02, 0.05, 0.03][place]! : 0;
  });
  const phases = writer.op('Conv', [floats, writer.floats(spread, [12, 3, 3, 3])], {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
  });
  const large = writer.op('DepthToSpace', [phases], { blocksize: 2, mode: 'CRD' });
  const clipped = writer.clip(large, 0, 255);
  writer.op('Cast', [gives === DataType.UINT8 ? writer.op('Round', [clipped]) : clipped], { to: gives }, 'output');
  return writeOnnx(
    makeModel({
      opset: 13,
      nodes: writer.nodes,
      initializers: writer.initializers,
      inputs: [tensorInfo('input', takes, [1, 3, 'height', 'width'])],
      outputs: [tensorInfo('output', gives, [1, 3, 'out_height', 'out_width'])],
    }),
  );
}

/** A network of ncnn's: a text and its weights. */
const ofNcnn: Load = async (options) => {
  const { param, bin } = files([
    input,
    conv('data', 'a', [3, 8], { storage: 'float16' }),
    { ...plain('PReLU', 'a', 'b', { 0: 8 }), weights: [{ values: weights(8, 1) }] },
    conv('b', 'c', [8, 12], { params: { 4: 1 } }),
    plain('PixelShuffle', 'c', 'out', { 0: 2 }),
  ]);
  await mkdir(join(folder, 'ncnn'), { recursive: true });
  await writeFile(join(folder, 'ncnn', 'mine.param'), param);
  await writeFile(join(folder, 'ncnn', 'mine.bin'), bin);
  return ThreadSafeNetwork.loadFromFile(join(folder, 'ncnn', 'mine.param'), options);
};

/** What `npm test` has of them, since each takes seconds to prepare; `npm run test:wasm` has all. */
const sample = ['natural ×2', 'bytes in and out', 'one that does not enlarge', 'strides', 'ncnn'];

/** The last: levels of 16 bit by which a result may differ; of 8 bit it is 1. */
const cases: [kind: string, load: Load, levels16: number][] = [
  ...allBuiltins.map(({ label, scale }): [string, Load, number] => [`${label} ×${scale}`, builtin(label, scale), 2]),
  ['a plain one', bytes(() => plainNetwork()), 2],
  // Whole levels of 8 bit are what it has, for 16 bit too.
  ['bytes in and out', bytes(() => network255({ takes: DataType.UINT8, gives: DataType.UINT8 })), 257],
  ['bytes in, floats of 255 out', bytes(() => network255({ takes: DataType.UINT8 })), 2],
  ['floats of 255', bytes(() => network255({})), 2],
  ['one that does not enlarge', bytes(smoothing), 2],
  ['one for a batch of one', bytes(networkOfOne), 2],
  ['strides', bytes(stridedNetwork), 2],
  ['one that looks at the whole picture', bytes(globalNetwork), 2],
  ['a checkpoint, Compact', file('checkpoints/compact-2x.pth'), 2],
  ['a checkpoint, RRDB', file('checkpoints/rrdb-2x.pth'), 2],
  ['safetensors, SPAN', file('checkpoints/span-4x-no-norm.safetensors'), 2],
  ['rsr', file('rsr/c_f2_w2_d2_g1_bias.rsr'), 2],
  ['ncnn', ofNcnn, 2],
];

describe('a network in WebAssembly computes what native code does', () => {
  it.each(cases.filter(([kind]) => onWasm || sample.includes(kind)))('%s', async (_, load, levels16) => {
    const common = { threads: 1, cacheFolder: join(folder, 'networks') };
    await using native = await load({ ...common, device: 'cpu' });
    await using inWasm = await load({ ...common, device: 'wasm' });
    expect(inWasm).toMatchObject({ device: 'wasm', factor: native.factor });
    expect(inWasm.weights.hash).toBe(native.weights.hash);
    for (const [picture, levels] of [
      [noise(24, 19), 1],
      [noise(12, 14, 1), 1],
      [noise(13, 12, 3, 5, 16), levels16],
    ] as const) {
      const expected = await native.upscaleImage(picture);
      const result = await inWasm.upscaleImage(picture);
      expect(result).toMatchObject({ width: expected.width, height: expected.height, channels: expected.channels });
      let largest = 0;
      result.data.forEach((value, at) => (largest = Math.max(largest, Math.abs(value - expected.data[at]!))));
      expect(largest).toBeLessThanOrEqual(levels);
      const inTiles = await inWasm.upscaleImage(picture, { tilePixels: 100 });
      expect(inTiles.data).toEqual(result.data);
    }
  });
});
