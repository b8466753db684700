import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readOnnx, writeOnnx, type OnnxModel } from '#src/model/graph/onnx/file.js';
import type { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { renameTensors } from '#src/model/graph/onnx/names.js';
import { keepBlocks } from '#src/model/graph/rewrite/blocked.js';
import { temporaryFolder } from '../../support/folders.js';
import { bytesOf, conv, load, network, randomFloats, run } from '../support.js';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true, force: true }));

type Body = (writer: GraphWriter, first: string) => string;

const layer = (writer: GraphWriter, value: string, channels = 32): string =>
  writer.op('LeakyRelu', [conv(writer, value, [channels, 32], 3)]);
const scaled = (writer: GraphWriter, value: string): string => writer.op('Mul', [value, writer.floats([0.2], [])]);

/** Something between two convolutions of 32 channels each, with the picture's name in a core. */
function between(body: Body): OnnxModel {
  const model = network((writer, input) => {
    const first = conv(writer, input, [3, 32], 3);
    return conv(writer, conv(writer, body(writer, first), [32, 32], 3), [32, 3], 3);
  });
  renameTensors(model.graph, (name) => (name === 'image' ? 'input' : name));
  return model;
}

/** The graph as the runtime optimised it, with the weights in it. */
async function optimised(model: OnnxModel): Promise<OnnxModel> {
  const path = join(folder, 'optimised.onnx');
  const options = { graphOptimizationLevel: 'all', optimizedModelFilePath: path } as const;
  await (await load(bytesOf(model), options)).release();
  return readOnnx(await readFile(path));
}

const countOf = ({ graph }: OnnxModel): number =>
  graph.node.filter(({ opType }) => opType === 'ReorderInput' || opType === 'ReorderOutput').length;

describe('tensors stay in blocks of channels', () => {
  const cases: [string, Body, boolean][] = [
    [
      'where a residual is scaled',
      (writer, first) => writer.op('Add', [scaled(writer, layer(writer, first)), first]),
      true,
    ],
    [
      'where a scaled one is joined to what follows',
      (writer, first) => {
        const value = writer.op('Add', [scaled(writer, layer(writer, first)), first]);
        const joined = writer.op('Concat', [value, layer(writer, value)], { axis: 1 });
        return writer.op('Add', [conv(writer, joined, [64, 32], 3), value]);
      },
      true,
    ],
    [
      'where one is needed in the usual order, too',
      (writer, first) => {
        const value = scaled(writer, layer(writer, first));
        const means = writer.op('ReduceMean', [value], { axes: [3], keepdims: 1 });
        return writer.op('Add', [conv(writer, value, [32, 32], 3), means]);
      },
      true,
    ],
    [
      'but not where a value is given to each channel by attention',
      (writer, first) => {
        const means = writer.op('ReduceMean', [first], { axes: [2, 3], keepdims: 1 });
        return writer.op('Mul', [layer(writer, first), scaled(writer, conv(writer, means, [32, 32], 1))]);
      },
      false,
    ],
    [
      'but not where something is added to each place',
      (writer, first) =>
        writer.op('Add', [layer(writer, first), writer.floats(randomFloats(14 * 18, 3), [1, 1, 14, 18])]),
      false,
    ],
    [
      'but not where each channel has a factor of its own',
      (writer, first) => {
        const factors = writer.floats(randomFloats(32, 4), [1, 32, 1, 1]);
        return writer.op('Add', [layer(writer, writer.op('Mul', [writer.op('Softplus', [first]), factors])), first]);
      },
      false,
    ],
  ];
  it.each(cases)('%s: the same to the bit', async (_, body, changes) => {
    const model = await optimised(between(body));
    const [before, written] = [countOf(model), writeOnnx(model)];
    const isBlocked = before > 0;
    expect(keepBlocks(model.graph)).toBe(changes && isBlocked);
    if (changes && isBlocked) expect(countOf(model)).toBeLessThan(before);
    else expect(writeOnnx(model)).toEqual(written);
    const picture = randomFloats(3 * 14 * 18, 5);
    const options = { graphOptimizationLevel: 'disabled' } as const;
    const [whole, kept] = [
      await run(written, picture, [1, 3, 14, 18], options),
      await run(writeOnnx(model), picture, [1, 3, 14, 18], options),
    ];
    expect(kept.dims).toEqual(whole.dims);
    expect(kept.data).toEqual(whole.data);
  });
});
