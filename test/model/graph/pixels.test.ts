import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modelFromLabel } from '#src/model/catalogue/model.js';
import { makeModel, readOnnx, writeOnnx } from '#src/model/graph/onnx/file.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { tensorInfo } from '#src/model/graph/onnx/node.js';
import { TensorProto_DataType } from '#src/model/graph/onnx/onnx_pb.js';
import { wrapPixels } from '#src/model/graph/pixels.js';
import { conv, load, run, shuffle, randomFloats, type Data } from '../support.js';
import type { PixelType } from '#src/pixels.js';

const MAX = { uint8: 255, uint16: 65535, float32: 1 } as const;

function core(opset: number, names: { middle: string } = { middle: 'middle' }): Uint8Array {
  const writer = new GraphWriter(opset, 'c_');
  const middle = writer.op('Relu', [conv(writer, 'input', [3, 12], 3, { low: -0.6, high: 0.9 })], {}, names.middle);
  writer.op('Identity', [shuffle(writer, middle, 2)], {}, 'output');
  return writeOnnx(
    makeModel({
      opset,
      nodes: writer.nodes,
      initializers: writer.initializers,
      inputs: [tensorInfo('input', TensorProto_DataType.FLOAT, [1, 3, 'h', 'w'])],
      outputs: [tensorInfo('output', TensorProto_DataType.FLOAT, [1, 3, 'H', 'W'])],
    }),
  );
}

function randomPixels(type: PixelType, count: number): Data {
  const floats = randomFloats(count, 11);
  if (type === 'float32') return floats;
  const integers = floats.map((value) => Math.round(value * MAX[type]));
  return type === 'uint8' ? Uint8Array.from(integers) : Uint16Array.from(integers);
}

/** The wrapper's arithmetic, in JavaScript around the bare core. */
async function expected(
  bytes: Uint8Array,
  type: PixelType,
  channels: 1 | 3,
  pixels: Data,
  h: number,
  w: number,
): Promise<number[]> {
  const planes = new Float32Array(3 * h * w);
  for (let c = 0; c < 3; c++) {
    for (let at = 0; at < h * w; at++) {
      planes[c * h * w + at] = Math.fround(pixels[at * channels + (channels === 3 ? c : 0)]! / MAX[type]);
    }
  }
  const { data } = await run(bytes, planes, [1, 3, h, w]);
  const size = 4 * h * w;
  const result: number[] = [];
  for (let at = 0; at < size; at++) {
    for (let c = 0; c < channels; c++) {
      const value = channels === 3 ? data[c * size + at]! : (data[at]! + data[size + at]! + data[2 * size + at]!) / 3;
      const limited = Math.min(Math.max(value, 0), 1);
      result.push(type === 'float32' ? limited : Math.floor(Math.fround(Math.fround(limited * MAX[type]) + 0.5)));
    }
  }
  return result;
}

const TYPES = ['uint8', 'uint16', 'float32'] as const;
const [H, W] = [9, 14];

describe('wrapPixels', () => {
  for (const type of TYPES) {
    for (const channels of [1, 3] as const) {
      it.each([9, 10, 11, 13, 17, 18, 21])(`${type}, ${channels} channels, operator set %i`, async (opset) => {
        const bytes = core(opset);
        const pixels = randomPixels(type, H * W * channels);
        const got = await run(wrapPixels(bytes, type, channels), pixels, [1, H, W, channels]);
        expect(got.dims).toEqual([1, 2 * H, 2 * W, channels]);
        const wanted = await expected(bytes, type, channels, pixels, H, W);
        // The order in which the mean is summed up may differ in the last bit.
        const allowed = channels === 3 ? 0 : type === 'uint16' ? 1 : type === 'float32' ? 2e-7 : 0;
        expect(got.data.every((value, at) => Math.abs(value - wanted[at]!) <= allowed)).toBe(true);
        expect(new Set(got.data).size).toBeGreaterThan(50);
      });
    }
  }

  it('keeps names inside of the core apart from its own', async () => {
    for (const middle of ['pixels', 'upscaled', 'upres_x']) {
      const pixels = randomPixels('uint8', H * W * 3);
      const got = await run(wrapPixels(core(13, { middle }), 'uint8', 3), pixels, [1, H, W, 3]);
      const plain = await run(wrapPixels(core(13), 'uint8', 3), pixels, [1, H, W, 3]);
      expect(got.data).toEqual(plain.data);
    }
  });

  it('wraps what the optimiser wrote, with its weights in a file next to it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'upres-'));
    try {
      const built = await (await modelFromLabel('natural', 2)).build();
      const optimised = join(folder, 'core.onnx');
      const made = await load(built.core, {
        graphOptimizationLevel: 'all',
        optimizedModelFilePath: optimised,
        extra: {
          session: {
            optimized_model_external_initializers_file_name: 'core.data',
            optimized_model_external_initializers_min_size_in_bytes: '64',
          },
        },
      });
      await made.release();
      const bytes = await readFile(optimised);
      expect(readOnnx(bytes).graph.initializer.some(({ externalData }) => externalData.length > 0)).toBe(true);
      for (const type of TYPES) {
        for (const channels of [1, 3] as const) {
          const path = join(folder, `${type}-${channels}.onnx`);
          await writeFile(path, wrapPixels(bytes, type, channels));
          const pixels = randomPixels(type, H * W * channels);
          const mapped = await run(path, pixels, [1, H, W, channels], { graphOptimizationLevel: 'disabled' });
          const plain = await run(wrapPixels(built.core, type, channels), pixels, [1, H, W, channels]);
          expect(mapped.data).toEqual(plain.data);
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
