import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import type { Colours, SideColours } from '#src/model/catalogue/colours.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { mapColours } from '#src/network/weights/planes.js';
import { pictureLike } from '#src/network/weights/trial-pictures.js';
import { temporaryFolder } from '../support/folders.js';
import { imageNetwork } from '../support/image-network.js';

const folder = temporaryFolder();
const warnings: string[] = [];
const listen = (warning: Error): void => {
  warnings.push(warning.message);
};
beforeAll(() => process.on('warning', listen));
afterAll(() => process.off('warning', listen));

const RGB: SideColours = { range: [0, 1], order: 'RGB' };

type Step = (writer: GraphWriter, value: string) => string;

/** What a network does with the numbers that it takes, as exporters write it: a matrix and a vector of colours. */
function colourStep(map: (rgb: readonly number[]) => number[]): Step {
  const zero = map([0, 0, 0]);
  const columns = [0, 1, 2].map((at) => map([0, 1, 2].map((other) => Number(other === at))));
  const weights = [0, 1, 2].flatMap((row) => columns.map((column) => column[row]! - zero[row]!));
  return (writer, value) =>
    writer.op('Conv', [value, writer.floats(weights, [3, 3, 1, 1]), writer.floats(zero, [3])], {
      kernel_shape: [1, 1],
    });
}

/** A colour in other numbers. */
const inNumbers = (rgb: readonly number[], from?: SideColours, to?: SideColours): number[] => [
  ...mapColours({ data: Float32Array.from(rgb), width: 1, height: 1 }, from, to).data,
];

/** A ×2 network that softens black a little, and takes and gives colours in the numbers that it is asked for. */
function network({ input, output }: Colours, last?: Step): Uint8Array {
  const writer = new GraphWriter(13, 'n');
  const rgb = writer.clip(colourStep((value) => inNumbers(value, input))(writer, 'input'), 0, 1);
  const squares = writer.op('Add', [writer.op('Mul', [rgb, rgb]), writer.floats([0.0004])]);
  const soft = writer.op('Sqrt', [squares]);
  const step = last ?? colourStep((value) => inNumbers(value, undefined, output));
  return enlargingNetwork(writer, soft, step);
}

/** A network that repeats the pixels of what was computed. */
function enlargingNetwork(writer: GraphWriter, value: string, step: Step): Uint8Array {
  const each = Float32Array.from({ length: 36 }, (_, at) => Number(Math.floor(at / 12) === at % 3));
  const phases = writer.op('Conv', [value, writer.floats(each, [12, 3, 1, 1])], { kernel_shape: [1, 1] });
  const large = writer.op('DepthToSpace', [phases], { blocksize: 2, mode: 'CRD' });
  writer.op('Identity', [step(writer, large)], {}, 'output');
  return imageNetwork(writer, 13);
}

const picture = (() => {
  const { data, width, height } = pictureLike(24, 0.9);
  const pixels = Uint8Array.from({ length: data.length }, (_, at) =>
    Math.round(255 * data[(at % 3) * width * height + Math.floor(at / 3)]!),
  );
  return { width, height, channels: 3 as const, data: pixels };
})();

async function enlarged(bytes: Uint8Array, options: object = {}): Promise<Uint8Array> {
  const loaded = await ThreadSafeNetwork.fromBytes(bytes, { cacheFolder: folder, threads: 1, ...options });
  const { data } = await loaded.upscaleImage(picture);
  await loaded.dispose();
  return data as Uint8Array;
}

const differs = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);

describe('a network whose colours no card tells', () => {
  test.each<[string, SideColours, SideColours]>([
    ['0..255 in and out', { ...RGB, range: [0, 255] }, { ...RGB, range: [0, 255] }],
    ['0..255 out only', RGB, { ...RGB, range: [0, 255] }],
    ['-1..1 out only, as tanh gives', RGB, { ...RGB, range: [-1, 1] }],
    ['-1..1 in, 0..1 out', { ...RGB, range: [-1, 1] }, RGB],
    ['B G R out only', RGB, { ...RGB, order: 'BGR' }],
    ['Y Cb Cr', { ...RGB, order: 'YCbCr' }, { ...RGB, order: 'YCbCr' }],
  ])('has %s, which is found and told', async (name, input, output) => {
    warnings.length = 0;
    const plain = await enlarged(network({ input: RGB, output: RGB }));
    expect(warnings).toEqual([]);
    const found = await enlarged(network({ input, output }), { name });
    expect(differs(found, plain)).toBeLessThanOrEqual(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.filter((warning) => warning.startsWith(`${name}: its pictures are taken for`))).toHaveLength(1);
  });

  test('has -1..1 in and out, which makes next to no difference to one that is nearly linear', async () => {
    const side: SideColours = { ...RGB, range: [-1, 1] };
    const plain = await enlarged(network({ input: RGB, output: RGB }));
    expect(differs(await enlarged(network({ input: side, output: side })), plain)).toBeLessThanOrEqual(1);
  });

  test('is left as it is where it makes pictures a little brighter, although other colours would fit better', async () => {
    warnings.length = 0;
    const bright = enlargingNetwork(new GraphWriter(13, 'n'), 'input', (writer, value) =>
      writer.op('Add', [value, writer.op('Mul', [writer.op('Relu', [value]), writer.floats([0.1])])]),
    );
    const loaded = await ThreadSafeNetwork.fromBytes(bright, { cacheFolder: folder, threads: 1 });
    expect(loaded.weights.geometry.colours).toBeUndefined();
    await loaded.dispose();
    expect(warnings).toEqual([]);
  });

  test('is refused where it gives a picture in colours that no one knows', async () => {
    const negative = network(
      { input: RGB, output: RGB },
      colourStep((rgb) => rgb.map((value) => 1 - value)),
    );
    const loading = enlarged(negative);
    await expect(loading).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    await expect(loading).rejects.toThrow(/don't look like their input.*"range".*"order"/s);
  });

  test('is refused where it gives nothing', async () => {
    const blank = network({ input: RGB, output: RGB }, (writer, value) =>
      writer.op('Mul', [value, writer.floats([0])]),
    );
    await expect(enlarged(blank)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });

  test('is taken as its user says, and told where that can not be right', async () => {
    const bytes = network({ input: { ...RGB, range: [0, 255] }, output: { ...RGB, range: [0, 255] } });
    const plain = await enlarged(network({ input: RGB, output: RGB }));
    expect(differs(await enlarged(bytes, { range: [0, 255], order: 'RGB' }), plain)).toBeLessThanOrEqual(1);
    await expect(enlarged(bytes, { range: [-1, 1] })).rejects.toThrow(/RGB from 0 to 255 in, RGB from 0 to 255 out/);
    await expect(enlarged(bytes, { order: 'GRB' })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });
});
