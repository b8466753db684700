import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { modelFromBytes, modelFromFile } from '#src/model/catalogue/model.js';
import { formatOf, looksLikePath } from '#src/model/catalogue/formats/formats.js';
import { checkpoint } from '#src/model/graph/import/checkpoint/importer.js';
import { readPickle } from '#src/model/graph/import/checkpoint/pickle.js';
import { readTorch } from '#src/model/graph/import/checkpoint/torch-file.js';
import { readOnnx } from '#src/model/graph/onnx/file.js';
import { UpresError } from '#src/errors.js';
import { largestDifference } from '#src/network/proving.js';
import { run } from '../../support.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/checkpoints/${name}`, import.meta.url));
const bytesOf = async (name: string): Promise<Uint8Array> => new Uint8Array(await readFile(fixture(name)));

const [WIDTH, HEIGHT] = [12, 8];
const pictureOf = (width: number): Float32Array =>
  Float32Array.from({ length: 3 * width * HEIGHT }, (_, at) => ((at * 7919) % 256) / 255);

async function expected(name: string): Promise<Float32Array> {
  const bytes = await bytesOf(`${name}.f32`);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

const convert = (bytes: Uint8Array, path = 'mine.pth') => checkpoint.convert({ path, bytes, companions: new Map() });

describe('a checkpoint', () => {
  test.each([
    ['compact-2x.pth', 'compact-2x', 2],
    ['compact-2x-legacy.pth', 'compact-2x', 2],
    ['compact-2x.safetensors', 'compact-2x', 2],
    ['rrdb-4x.pth', 'rrdb-4x', 4],
    ['rrdb-4x-bsrgan.pth', 'rrdb-4x', 4],
    ['rrdb-4x-old.pth', 'rrdb-4x', 4],
    ['rrdb-2x.pth', 'rrdb-2x', 2],
    ['rrdb-1x.pth', 'rrdb-1x', 1],
    ['span-2x.pth', 'span-2x', 2],
    ['span-4x-no-norm.safetensors', 'span-4x-no-norm', 4],
    ['plksr-2x.pth', 'plksr-2x', 2],
    ['realplksr-4x.safetensors', 'realplksr-4x', 4],
    ['safmn-2x.pth', 'safmn-2x', 2, 16],
  ])('%s computes what PyTorch computes', async (file, name, scale, width = WIDTH) => {
    expect(looksLikePath(file)).toBe(true);
    const model = await modelFromFile(fixture(file));
    const { core, geometry } = await model.build();
    expect(geometry).toMatchObject({ scale, globalOperators: [] });
    const result = await run(core, pictureOf(width), [1, 3, HEIGHT, width]);
    const wanted = await expected(name);
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    expect(largestDifference(result.data as Float32Array, wanted) / largest).toBeLessThanOrEqual(1e-4);
  });

  test('of RealPLKSR whose pixels are sampled, and normalised by the whole picture, computes what PyTorch computes', async () => {
    const { core, geometry } = await (await modelFromFile(fixture('realplksr-2x-dysample.pth'))).build();
    expect(geometry).toMatchObject({ scale: undefined, halo: undefined });
    const result = await run(core, pictureOf(WIDTH), [1, 3, HEIGHT, WIDTH]);
    expect(result.dims).toEqual([1, 3, 2 * HEIGHT, 2 * WIDTH]);
    const wanted = await expected('realplksr-2x-dysample');
    expect(largestDifference(result.data as Float32Array, wanted)).toBeLessThanOrEqual(1e-4);
  });

  test('as bytes is what it is as a file', async () => {
    for (const file of ['compact-2x.pth', 'compact-2x.safetensors']) {
      const bytes = await bytesOf(file);
      const [fromFile, fromBytes] = [await modelFromFile(fixture(file)), await modelFromBytes(bytes, 'mine')];
      expect((await fromBytes.build()).core).toEqual((await fromFile.build()).core);
    }
    const code = await modelFromBytes(await bytesOf('code.pth'), 'mine');
    await expect(code.build()).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });

  test.each([
    ...['module.', 'model.net_g.', 'generator_ema.module.', 'params_ema.', 'backbone.'].map(
      (prefix) => [prefix, {}] as const,
    ),
    // Numbers of the training, and other networks beside it.
    ['ema_model.', { step: [1], 'online_model.body.0.weight': [1] }] as const,
    ['net_g.', { n_averaged: [], 'net_d.conv.weight': [3, 3, 3, 3] }] as const,
  ])('whose weights are called %s… is found among %j', async (prefix, others) => {
    const bytes = await bytesOf('compact-2x.safetensors');
    expect(convert(renamed(bytes, prefix, others)).model).toEqual(convert(bytes).model);
  });

  test('is not taken for a network that it is a part of', async () => {
    const bytes = renamed(await bytesOf('compact-2x.safetensors'), 'upsampler.', {
      'encoder.conv.weight': [3, 3, 3, 3],
    });
    expect(() => convert(bytes)).toThrow(/of no architecture that is known/);
  });

  test.each(['g_ema', 'netG', 'ema', 'model_state_dict', 'my_best_network'])(
    'in a dictionary "%s" is read',
    async (name) => {
      const bytes = Buffer.from(await bytesOf('compact-2x-legacy.pth'));
      const at = bytes.indexOf('X\x0a\0\0\0params_ema');
      const begins = Buffer.from(`X${String.fromCharCode(name.length)}\0\0\0${name}`);
      const other = Buffer.concat([bytes.subarray(0, at), begins, bytes.subarray(at + 15)]);
      expect(convert(new Uint8Array(other)).model).toEqual(convert(new Uint8Array(bytes)).model);
    },
  );

  test('of the older kind is read in any protocol', async () => {
    const bytes = Buffer.from(await bytesOf('compact-2x-legacy.pth'));
    const frame = [0x95, 13, ...new Array<number>(7).fill(0)];
    for (const begins of [
      [0x80, 3],
      [0x80, 4, ...frame],
      [0x80, 5, ...frame],
    ]) {
      const other = new Uint8Array(Buffer.concat([Uint8Array.from(begins), bytes.subarray(2)]));
      expect(formatOf('mine.pth', other)?.name).toBe('checkpoint');
      expect(convert(other).model).toEqual(convert(new Uint8Array(bytes)).model);
    }
  });

  test.each([
    ['conv_first.relative_position_bias_table', /transformer \(SwinIR.*torch\.onnx\.export.*spandrel/],
    ['body.0.weight_g', /remove_weight_norm/],
    ['net_d.conv.weight', /judges pictures/],
  ])('with weights as %s is refused with what to do', (name, words) => {
    expect(() => convert(safetensors({ [name]: [1] }))).toThrow(words);
    expect(() => convert(safetensors({}))).toThrow(/no weights are in it/);
  });

  test('that would run code is refused, with the name of it, and nothing runs', async () => {
    const model = await modelFromFile(fixture('code.pth'));
    await expect(model.build()).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    await expect(model.build()).rejects.toThrow(/posix\.system, which is code.*state_dict/);
  });

  test('of another architecture is refused, with what is known', () => {
    const header = Buffer.from(
      JSON.stringify({ 'layers.0.attn.qkv.weight': { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }),
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const bytes = new Uint8Array(Buffer.concat([length, header, Buffer.alloc(4)]));
    expect(() => convert(bytes)).toThrow(/1 weights \(layers\.0\.attn\.qkv\.weight…\), of no architecture.*RRDB.*SPAN/);
  });

  test('that names a layer far away is refused at once', () => {
    const shapes = {
      ...{ 'feats.0.weight': [4, 3, 3, 3], 'feats.1.channel_mixer.0.weight': [4, 4, 3, 3] },
      'feats.99999999999999.weight': [12, 4, 3, 3],
    };
    expect(() => convert(safetensors(shapes), 'mine.safetensors')).toThrow(/channel_mixer\.0\.weight.*no place/);
  });

  test.each([
    ['GGUF', 'GGUF\x03\0\0\0', /GGUF.*safetensors/],
    ['TensorFlow Lite', '\x1c\0\0\0TFL3', /TensorFlow Lite.*tf2onnx/],
    ['HDF5', '\x89HDF\r\n', /HDF5.*Keras/],
    ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid', /git lfs pull/],
    ['a web page', '\n<!DOCTYPE html><html>', /web page.*download/],
    ['a list in JSON', '[1, 2]', /JSON/],
    ['gzip', '\x1f\x8b\x08', /unpack it first/],
    ['torch with a program', 'PK\x05\x06' + '\0'.repeat(18), /none of torch|protocol buffer/],
  ])('is told from %s', (_, begins, words) => {
    const bytes = new Uint8Array(Buffer.from(begins, 'latin1'));
    expect(() => (formatOf('x.onnx', bytes) ? convert(bytes) : readOnnx(bytes, 'x.onnx'))).toThrow(words);
    expect(() => readOnnx(bytes, 'x.onnx')).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });

  test('in an archive whose files are packed is read, too', async () => {
    const plain = await bytesOf('compact-2x.pth');
    const packed = repacked(plain);
    expect([...readTorch(packed).keys()]).toEqual([...readTorch(plain).keys()]);
  });

  test('that has a machine look at one long list again and again is given up', () => {
    const list = [0x5d, 0x28, ...new Array<number>(1000).fill(0x4e), 0x65, 0x71, 0, 0x30];
    const call = [...Buffer.from('ca\nb\n'), 0x68, 0, 0x85, 0x52, 0x30];
    const bytes = Uint8Array.from([...list, ...new Array<number[]>(10_000).fill(call).flat(), 0x4e, 0x2e]);
    const host = { global: (special: string) => ({ special }), call: () => null, persistent: () => null };
    expect(() => readPickle(bytes, 0, host)).toThrow(/too many steps/);
  });

  test('of a few kilobytes that asks for weights of gigabytes is refused', () => {
    const shapes: Record<string, number[]> = {
      'conv_first.weight': [1, 65_536, 1, 1],
      'body.0.rdb1.conv1.weight': [1, 1, 1, 1],
      'conv_last.weight': [16_384, 1, 1, 1],
    };
    expect(() => convert(safetensors(shapes), 'mine.safetensors')).toThrow(/pictures of 16384 channels/);
  });

  test('of very many or very long names is refused with a code', () => {
    const many = Object.fromEntries(Array.from({ length: 150_000 }, (_, at) => [`body.${at}.weight`, [0]]));
    for (const shapes of [{ ...many, 'body.0.weight': [4, 1, 1, 1] }, { ['module.'.repeat(20_000)]: [0] }]) {
      expect(() => convert(safetensors(shapes), 'mine.safetensors')).toThrow(UpresError);
    }
  });

  test('that is damaged is refused with a code, whatever is changed in it', async () => {
    let state = 20_060_101;
    const next = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    for (const name of ['compact-2x.pth', 'compact-2x-legacy.pth', 'compact-2x.safetensors']) {
      const original = await bytesOf(name);
      for (let round = 0; round < 300; round++) {
        const cut = next(4) === 0 ? original.subarray(0, next(original.length)) : original;
        const bytes = Uint8Array.from(cut);
        // Names and sizes stand at both ends.
        for (let change = next(4); change >= 0 && bytes.length > 0; change--) {
          const near = next(Math.min(3000, bytes.length));
          bytes[next(2) ? near : bytes.length - 1 - near] = next(256);
        }
        if (!formatOf('mine.pth', bytes)) continue;
        try {
          convert(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(UpresError);
          expect(['MODEL_INVALID', 'MODEL_UNSUPPORTED']).toContain((error as UpresError).code);
        }
      }
    }
  });
});

/** The same file with a prefix before each name, and other tensors, which are empty of sense. */
function renamed(bytes: Uint8Array, prefix: string, others: Readonly<Record<string, readonly number[]>>): Uint8Array {
  const source = Buffer.from(bytes);
  const length = Number(source.readBigUInt64LE(0));
  const header = JSON.parse(source.toString('utf8', 8, 8 + length)) as Record<string, unknown>;
  const data = source.subarray(8 + length);
  const own = Object.entries(header).map(([name, entry]) => [name === '__metadata__' ? name : prefix + name, entry]);
  let at = data.length;
  const more = Object.entries(others).map(([name, shape]) => {
    const from = at;
    at += 4 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: 'F32', shape, data_offsets: [from, at] }];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries([...own, ...more])));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return new Uint8Array(Buffer.concat([size, text, data, Buffer.alloc(at - data.length)]));
}

/** A file of float32 tensors of these shapes, all zero. */
function safetensors(shapes: Readonly<Record<string, readonly number[]>>): Uint8Array {
  let at = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const from = at;
    at += 4 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: 'F32', shape, data_offsets: [from, at] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return new Uint8Array(Buffer.concat([length, header, Buffer.alloc(at)]));
}

/** The same archive with deflated files. */
function repacked(bytes: Uint8Array): Uint8Array {
  const source = Buffer.from(bytes);
  const end = source.length - 22;
  const [count, start] = [source.readUInt16LE(end + 10), source.readUInt32LE(end + 16)];
  const [files, directory]: [Buffer[], Buffer[]] = [[], []];
  let [at, written] = [start, 0];
  for (let index = 0; index < count; index++) {
    const [names, extras, comments] = [28, 30, 32].map((field) => source.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const [size, local] = [source.readUInt32LE(at + 24), source.readUInt32LE(at + 42)];
    const from = local + 30 + source.readUInt16LE(local + 26) + source.readUInt16LE(local + 28);
    const content = deflateRawSync(source.subarray(from, from + size));
    const name = source.subarray(at + 46, at + 46 + names);
    const entry = Buffer.from(source.subarray(at, at + 46));
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(content.length, 20);
    entry.writeUInt16LE(0, 30);
    entry.writeUInt16LE(0, 32);
    entry.writeUInt32LE(written, 42);
    directory.push(entry, name);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(8, 8);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt32LE(size, 22);
    head.writeUInt16LE(names, 26);
    files.push(head, name, content);
    written += 30 + names + content.length;
    at += 46 + names + extras + comments;
  }
  const tail = Buffer.from(source.subarray(end));
  tail.writeUInt32LE(Buffer.concat(directory).length, 12);
  tail.writeUInt32LE(written, 16);
  return new Uint8Array(Buffer.concat([...files, ...directory, tail]));
}
