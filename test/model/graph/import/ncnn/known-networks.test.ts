import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readOnnx, opsetOf } from '#src/model/graph/onnx/file.js';
import { TensorProto_DataType as DataType, type NodeProto } from '#src/model/graph/onnx/onnx_pb.js';
import { readFloats } from '#src/model/graph/onnx/tensor.js';
import { analyse } from '#src/model/graph/receptive-field.js';
import { difference, randomFloats, run } from '../../../support.js';
import { cascade, compact, cugan4, upconv7, type WeightsOf } from './known-networks.js';
import { convert, files } from './network.js';
import { enlarged, picture, value, type Picture } from './reference.js';

function modelFile(folder: string): Buffer {
  return readFileSync(new URL(`../../../../../models/${folder}/model.onnx`, import.meta.url));
}

function randomPicture(height: number, width: number): Picture {
  const values = randomFloats(3 * height * width, 3);
  return picture(3, height, width, (c, y, x) => values[(c * height + y) * width + x]!);
}

/** The weights in an ONNX file, layer by layer as ncnn has them. */
function weightsIn(file: Buffer): WeightsOf {
  const { graph } = readOnnx(file);
  const producers = new Map(graph.node.map((node) => [node.output[0]!, node]));
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const trained: NodeProto[] = graph.node.filter(({ opType }) => ['Conv', 'ConvTranspose', 'PRelu'].includes(opType));
  return () => {
    const { opType, input } = trained.shift()!;
    return input.slice(1).map((name, at) => {
      // float16 weights go through a Cast.
      const tensor = constants.get(name) ?? constants.get(producers.get(name)!.input[0]!)!;
      const half = tensor.dataType === (DataType.FLOAT16 as number);
      const values = readFloats(tensor);
      const [from = 0, to = 0, tall = 0, wide = 0] = tensor.dims.map(Number);
      const ordered = values.map((value, index) => {
        if (opType !== 'ConvTranspose' || at > 0) return value;
        const size = tall * wide;
        const block = Math.floor(index / size);
        return values[((block % from) * to + Math.floor(block / from)) * size + (index % size)]!;
      });
      return { values: ordered, ...(half ? { storage: 'float16' as const } : {}) };
    });
  };
}

describe('built-in networks that were converted from ncnn', () => {
  const networks = [
    { folder: 'anime-x2', scale: 2, layers: upconv7 },
    { folder: 'anime-noise0-x2', scale: 2, layers: upconv7 },
    { folder: 'anime-noise1-x2', scale: 2, layers: upconv7 },
    { folder: 'anime-noise2-x2', scale: 2, layers: upconv7 },
    { folder: 'anime-noise3-x2', scale: 2, layers: upconv7 },
    { folder: 'real-x4', scale: 4, layers: (of: WeightsOf) => compact(33, 4, of) },
  ];

  it.each(networks)('$folder: its weights in an ncnn file become the same bytes', ({ folder, layers }) => {
    const file = modelFile(folder);
    const { param, bin } = files(layers(weightsIn(file)));
    expect(Buffer.compare(convert(param, bin), file)).toBe(0);
  });

  // Denoising networks differ in their weights only.
  const different = networks.filter(({ folder }) => !folder.includes('noise'));
  it.each(different)('$folder computes what the plain evaluation does', async ({ folder, scale, layers }) => {
    const from = randomPicture(12, 16);
    const file = modelFile(folder);
    const result = await run(file, Float32Array.from(from.data), [1, 3, 12, 16]);
    expect(result.dims).toEqual([1, 3, 12 * scale, 16 * scale]);
    // upconv_7 loses 7 pixels on each side.
    const expected = enlarged(layers(weightsIn(file)), from, scale, folder === 'anime-x2' ? 7 : 0);
    expect(difference(result.data, expected.data)).toBeLessThan(1e-4);
  });

  it('need as much around a tile as their authors say: 7 pixels for upconv_7', () => {
    expect(geometryOf(modelFile('anime-x2'))).toMatchObject({
      scale: 2,
      halo: { left: 7, top: 7, right: 7, bottom: 7 },
      multipleOf: 1,
      globalOperators: [],
    });
  });
});

function geometryOf(file: Uint8Array) {
  const model = readOnnx(file);
  const input = { layout: 'NCHW', channels: 3, type: DataType.FLOAT } as const;
  return analyse(model.graph, opsetOf(model), input).geometry;
}

describe('networks with squeeze and excitation', () => {
  const { param, bin } = files(cascade());

  it('are marked as looking at the whole picture, and ask for even sizes', () => {
    expect(geometryOf(convert(param, bin))).toMatchObject({
      scale: 2,
      halo: undefined,
      multipleOf: 2,
      globalOperators: ['GlobalAveragePool'],
    });
  });

  it('compute what the plain evaluation does, in spite of the 18 pixels that they lose on each side', async () => {
    const from = randomPicture(12, 16);
    const result = await run(convert(param, bin), Float32Array.from(from.data), [1, 3, 12, 16]);
    expect(result.dims).toEqual([1, 3, 24, 32]);
    expect(difference(result.data, enlarged(cascade(), from, 2, 18).data)).toBeLessThan(1e-5);
  });
});

describe('Real-CUGAN for 4x', () => {
  it('has the picture added to what it computes, as the programs that run it do', async () => {
    const { param, bin } = files(cugan4());
    const from = randomPicture(8, 10);
    const result = await run(convert(param, bin), Float32Array.from(from.data), [1, 3, 8, 10]);
    const added = enlarged(cugan4(), from, 4, 19);
    const expected = picture(3, 32, 40, (c, y, x) => value(added, c, y, x) + value(from, c, y >> 2, x >> 2));
    expect(difference(result.data, expected.data)).toBeLessThan(1e-5);
  });

  it('is known by its structure: another network of that kind is taken as it is', async () => {
    const others = cugan4().map((layer) => ({
      ...layer,
      inputs: (layer.inputs ?? []).map((name) => `x${name}`),
      outputs: layer.outputs.map((name) => `x${name}`),
    }));
    const { param, bin } = files(others);
    const from = randomPicture(8, 10);
    const result = await run(convert(param, bin), Float32Array.from(from.data), [1, 3, 8, 10]);
    expect(difference(result.data, enlarged(others, from, 4, 19).data)).toBeLessThan(1e-5);
  });
});
