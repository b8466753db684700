import { createHash } from 'node:crypto';
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelFiles } from '#src/model/catalogue/model-files.js';
import { modelFromBytes, modelFromFile, modelFromLabel } from '#src/model/catalogue/model.js';
import { readOnnx } from '#src/model/graph/onnx/file.js';
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from '#src/model/graph/onnx/onnx_pb.js';
import { wrapPixels } from '#src/model/graph/pixels.js';
import { builtinLabels, builtinNetwork, chainFor } from '#src/model/catalogue/registry.js';
import { bytesOf, difference, load, plainNetwork, randomFloats, run } from '../support.js';

const attribute = (fields: MessageInitShape<typeof AttributeProtoSchema>): AttributeProto =>
  create(AttributeProtoSchema, fields);
const graphOf = (tensor: TensorProto, inner?: GraphProto): GraphProto =>
  inner
    ? create(GraphProtoSchema, { node: [create(NodeProtoSchema, { attribute: [attribute({ g: inner })] })] })
    : create(GraphProtoSchema, { initializer: [tensor] });

const NETWORKS = builtinLabels().flatMap(({ label, kind, scales }) =>
  kind === 'network' ? scales.map((scale) => [label, scale] as const) : [],
);

describe('built-in networks', () => {
  it('are listed, the default first', () => {
    expect(builtinLabels().map(({ label, scales, kind }) => [label, kind, scales.slice(0, 3)])).toEqual([
      ['natural', 'network', [2, 3, 4]],
      ['anime', 'network', [2]],
      ['anime-noise0', 'network', [2]],
      ['anime-noise1', 'network', [2]],
      ['anime-noise2', 'network', [2]],
      ['anime-noise3', 'network', [2]],
      ['art', 'network', [2]],
      ['art-jpeg', 'network', [2]],
      ['natural-jpeg', 'network', [2]],
      ['real', 'network', [4]],
      ['bicubic', 'interpolation', [2, 3, 4]],
      ['bilinear', 'interpolation', [2, 3, 4]],
      ['nearest', 'interpolation', [2, 3, 4]],
    ]);
  });

  it.each(NETWORKS)('%s x%i: the card agrees with the file and its graph', async (label, scale) => {
    const { card, path } = builtinNetwork(label, scale);
    expect(
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    ).toBe(card.sha256);
    const { geometry } = await (await modelFromLabel(label, scale)).build();
    const halo = card.receptiveRadius!;
    if (card.author === 'the upres authors') expect(halo).toBe(9);
    expect(geometry).toMatchObject({
      scale,
      halo: { left: halo, top: halo, right: halo, bottom: halo },
      multipleOf: card.multipleOf,
      macPerPixel: card.macPerPixel,
      parameters: card.parameters,
      globalOperators: [],
    });
  });

  it.each(['natural', 'art'])(
    '%s: flat colours come out exactly, away from the zeros beyond the border',
    async (label) => {
      const { core, geometry } = await (await modelFromLabel(label, 2)).build();
      const session = await load(wrapPixels(core, 'uint8', 3));
      const size = 2 * geometry.halo!.left + 2;
      const inside = (at: number): boolean => {
        const [x, y] = [Math.floor(at / 3) % (2 * size), Math.floor(at / 3 / (2 * size))];
        const margin = 2 * geometry.halo!.left;
        return [x, y].every((place) => place >= margin && place < 2 * size - margin);
      };
      try {
        for (let index = 0; index < 216; index++) {
          const colour = [index % 6, Math.floor(index / 6) % 6, Math.floor(index / 36)].map((step) => step * 51);
          const flat = Uint8Array.from({ length: size * size * 3 }, (_, at) => colour[at % 3]!);
          const { data } = await session.run(flat, [1, size, size, 3]);
          expect(data.every((value, at) => !inside(at) || value === colour[at % 3])).toBe(true);
        }
      } finally {
        await session.release();
      }
    },
  );
});

describe('chains', () => {
  it.each([
    ['natural', 1, []],
    ['natural', 1.01, [2]],
    ['natural', 2, [2]],
    ['natural', 2.5, [3]],
    ['natural', 4, [4]],
    ['natural', 6, [2, 3]],
    ['natural', 8, [2, 4]],
    ['art', 3, [2, 2]],
    ['art', 8, [2, 2, 2]],
    ['bicubic', 8, [8]],
  ])('the cheapest for %s by %f is %j', (label, factor, chain) => {
    expect(chainFor(label, factor)).toEqual(chain);
  });

  it.each([0.5, NaN, Infinity, 65])('refuses the factor %f', (factor) => {
    expect(() => chainFor('natural', factor)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
  });

  it('equal their passes one after another, with one copy of shared weights', async () => {
    const image = randomFloats(3 * 12 * 15, 2);
    const once = await (await modelFromLabel('art', 2)).build();
    const twice = await (await modelFromLabel('art', 4)).build();
    const first = await run(once.core, image, [1, 3, 12, 15]);
    const limited = Float32Array.from(first.data, (value) => Math.min(Math.max(value, 0), 1));
    const second = await run(once.core, limited, [1, 3, 24, 30]);
    const chained = await run(twice.core, image, [1, 3, 12, 15]);
    expect(chained.dims).toEqual([1, 3, 48, 60]);
    expect(difference(chained.data, second.data)).toBe(0);
    expect(twice.core.length).toBeLessThan(once.core.length * 1.1);
    expect(twice.geometry).toMatchObject({
      scale: 4,
      halo: { left: 14, right: 14, top: 14, bottom: 14 },
      macPerPixel: 5 * 69732,
    });
  });

  it('of different networks scale by the product', async () => {
    const model = await modelFromLabel('natural', 6);
    expect(model.card).toMatchObject({ label: 'natural', scale: 6, display: 'Natural (x2 x3)' });
    const { geometry } = await model.build();
    expect(geometry).toMatchObject({
      scale: 6,
      macPerPixel: model.card.macPerPixel,
      halo: { left: model.card.receptiveRadius },
    });
  });

  it('of none give back the input', async () => {
    const image = randomFloats(3 * 20, 2);
    const { core, geometry } = await (await modelFromLabel('natural', 1)).build();
    expect(geometry.scale).toBe(1);
    expect((await run(core, image, [1, 3, 4, 5])).data).toEqual(image);
  });
});

describe('labels', () => {
  it('that do not exist are refused with those that do', async () => {
    await expect(modelFromLabel('photo')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    // Built in before: whoever still names it, in a configuration or in a stored job, hears what to take.
    await expect(modelFromLabel('anime-video')).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('Take "art" for drawings') as string,
    });
    await expect(modelFromLabel('photo')).rejects.toThrow(/natural, anime, .*, art, .*, bicubic, bilinear, nearest/);
  });

  it('refuse scales that no chain reaches', async () => {
    for (const [label, scale] of [
      ['art', 3],
      ['natural', 5],
      ['natural', 2.5],
      ['natural', 0],
    ] as const) {
      await expect(modelFromLabel(label, scale)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    }
  });

  it('have keys that tell apart what is computed', async () => {
    const models = await Promise.all(
      (
        [
          ['natural', 2],
          ['natural', 4],
          ['natural', 8],
          ['art', 2],
          ['art', 4],
          ['bicubic', 2],
          ['bicubic', 4],
          ['nearest', 2],
          ['natural', 1],
        ] as const
      ).map(([label, scale]) => modelFromLabel(label, scale)),
    );
    const keys = models.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every((key) => /^[0-9a-f]{64}$/.test(key))).toBe(true);
    expect((await modelFromLabel('art', 4)).key).toBe(keys[4]);
  });
});

describe('files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'upres-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const bytes = bytesOf(plainNetwork());
  const sha256 = createHash('sha256').update(bytes).digest('hex');

  it('are named after themselves without a card', async () => {
    const path = join(folder, 'mine.onnx');
    await writeFile(path, bytes);
    const model = await modelFromFile(path);
    expect(model.card).toMatchObject({ label: 'mine', display: 'mine', file: 'mine.onnx', sha256, licence: 'unknown' });
    expect((await model.build()).geometry.scale).toBe(2);
    expect((await modelFromBytes(bytes)).key).toBe(model.key);
  });

  it('honour a card that is about them, and only such a one', async () => {
    const path = join(folder, 'carded.onnx');
    await writeFile(path, bytes);
    const plain = await modelFromFile(path);
    const card = {
      sha256,
      label: 'lab',
      display: 'Lab',
      licence: 'CC0',
      input: { range: [0, 255] },
      output: { range: [0, 255] },
    };
    await writeFile(join(folder, 'model.json'), JSON.stringify(card));
    const carded = await modelFromFile(path);
    expect(carded.card).toMatchObject({ label: 'lab', display: 'Lab', licence: 'CC0', input: { range: [0, 255] } });
    expect(carded.key).not.toBe(plain.key);

    await writeFile(join(folder, 'model.json'), JSON.stringify({ ...card, input: { range: [0, 100] } }));
    await expect(modelFromFile(path)).rejects.toThrow(/corrected, or removed: input.range must be/);
    await writeFile(join(folder, 'model.json'), JSON.stringify({ ...card, scael: 2 }));
    await expect(modelFromFile(path)).rejects.toThrow(/Did you mean "scale"/);
    await writeFile(join(folder, 'model.json'), JSON.stringify({ ...card, trainedOn: 'photographs' }));
    await expect(modelFromFile(path)).rejects.toThrow(/there is no field "trainedOn"/);
    await writeFile(join(folder, 'model.json'), JSON.stringify({ ...card, sha256: card.sha256.toUpperCase() }));
    expect((await modelFromFile(path)).card.label).toBe('lab');
    await writeFile(join(folder, 'model.json'), JSON.stringify({ ...card, sha256: '0'.repeat(64) }));
    expect((await modelFromFile(path)).card.label).toBe('carded');
    await rm(join(folder, 'model.json'));
  });

  it('that are not there, or change, are errors', async () => {
    await expect(modelFromFile(join(folder, 'none.onnx'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(modelFromFile(folder)).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
    const path = join(folder, 'changing.onnx');
    await writeFile(path, bytes);
    const model = await modelFromFile(path);
    await writeFile(path, bytesOf(plainNetwork({ opset: 15 })));
    await expect(model.build()).rejects.toMatchObject({ code: 'MODEL_INVALID', file: path });
  });

  it.each<[string, (tensor: TensorProto) => Pick<NodeProto, 'opType' | 'attribute'> & { input?: string[] }]>([
    ['a constant', (t) => ({ opType: 'Constant', attribute: [attribute({ name: 'value', t })] })],
    [
      'a branch',
      (t) => ({ opType: 'If', input: ['c'], attribute: [attribute({ name: 'then_branch', g: graphOf(t) })] }),
    ],
    ['a branch of a branch', (t) => ({ opType: 'If', attribute: [attribute({ graphs: [graphOf(t, graphOf(t))] })] })],
    [
      'what is not read',
      (t) => {
        const sparse = attribute({ name: 'sparse_value' });
        const data = toBinary(TensorProtoSchema, t);
        sparse.$unknown = [{ no: 22, wireType: WireType.LengthDelimited, data: Uint8Array.of(data.length, ...data) }];
        return { opType: 'Constant', attribute: [sparse] };
      },
    ],
  ])('that name a file in %s are refused: the runtime would read it from the working directory', async (_, node) => {
    const tensor = create(TensorProtoSchema, {
      dims: [1n],
      dataType: 1,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: '.env' })],
    });
    const model = readOnnx(bytes);
    model.graph.node.push(create(NodeProtoSchema, { output: ['k'], ...node(tensor) }));
    const loaded = await modelFromBytes(bytesOf(model));
    await expect(loaded.build()).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    await expect(loaded.build()).rejects.toThrow(/inside of its nodes in another file/);
  });

  it('may keep their weights in a file next to them', async () => {
    const path = join(folder, 'large.onnx');
    const model = readOnnx(bytes);
    const parts: Uint8Array[] = [];
    for (const tensor of model.graph.initializer) {
      const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
      const offset = parts.reduce((sum, part) => sum + part.length, 0);
      tensor.externalData = [
        entry('location', 'large.onnx.data'),
        entry('offset', String(offset)),
        entry('length', String(tensor.rawData.length)),
      ];
      parts.push(tensor.rawData);
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    }
    await writeFile(path, bytesOf(model));
    await expect((await modelFromFile(path)).build()).rejects.toThrow(/in another file, "large.onnx.data"/);
    await expect((await modelFromBytes(bytesOf(model))).build()).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    const without = (await modelFromFile(path)).key;
    await writeFile(`${path}.data`, Buffer.concat(parts));
    const complete = await modelFromFile(path);
    expect(complete.key).not.toBe(without);
    const image = randomFloats(3 * 30, 1);
    const got = await run((await complete.build()).core, image, [1, 3, 5, 6]);
    expect(got.data).toEqual((await run(bytes, image, [1, 3, 5, 6])).data);
    await writeFile(`${path}.data`, parts[0]!.subarray(0, 8));
    await expect((await modelFromFile(path)).build()).rejects.toMatchObject({ code: 'MODEL_INVALID' });

    // Weights are found by the name that the file has for them, below its own folder.
    const namedSo = (location: string): Uint8Array => {
      for (const { externalData } of model.graph.initializer) externalData[0]!.value = location;
      return bytesOf(model);
    };
    await mkdir(join(folder, 'weights'));
    await writeFile(join(folder, 'weights', 'w.bin'), Buffer.concat(parts));
    await writeFile(path, namedSo('./weights/w.bin'));
    const below = await run((await (await modelFromFile(path)).build()).core, image, [1, 3, 5, 6]);
    expect(below.data).toEqual(got.data);
    expect(modelFiles(path)).toContain(join(folder, 'weights', 'w.bin'));

    // Weights may be shared, but not so that little on a disk becomes much in memory.
    const [first] = model.graph.initializer;
    const shared = Array.from({ length: 50 }, (_, at) => {
      const [location, ...range] = first!.externalData;
      const alias = create(StringStringEntryProtoSchema, { key: 'location', value: `${'./'.repeat(at)}weights/w.bin` });
      expect(location!.key).toBe('location');
      return create(TensorProtoSchema, { ...first!, name: `shared${at}`, externalData: [alias, ...range] });
    });
    const sharing = readOnnx(bytesOf(model));
    sharing.graph.initializer.push(...shared);
    await writeFile(path, bytesOf(sharing));
    await expect((await modelFromFile(path)).build()).rejects.toThrow(/share those in .* too often/);

    // No file of the machine is read that the model's folder does not hold.
    const secret = await mkdtemp(join(tmpdir(), 'upres-'));
    await writeFile(join(secret, 'w.bin'), Buffer.concat(parts));
    await symlink(join(secret, 'w.bin'), join(folder, 'link.bin'));
    await symlink(secret, join(folder, 'linked'));
    const outside = ['link.bin', 'linked/w.bin', join(secret, 'w.bin'), `../${basename(secret)}/w.bin`, 'weights'];
    for (const location of outside) {
      await writeFile(path, namedSo(location));
      await expect(modelFromFile(path), location).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', file: path });
    }
    await rm(secret, { recursive: true });
  });
});
