import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { UpresError } from '#src/errors.js';
import type { Imported } from '#src/model/graph/import/importer.js';
import { rsr } from '#src/model/graph/import/rsr/importer.js';
import { unshuffle } from '#src/model/graph/import/rsr/payload.js';
import { unpackXz } from '#src/model/graph/import/rsr/xz.js';
import { modelFromFile } from '#src/model/catalogue/model.js';
import { writeOnnx } from '#src/model/graph/onnx/file.js';
import { analyse } from '#src/model/graph/receptive-field.js';
import { TensorProto_DataType as DataType } from '#src/model/graph/onnx/onnx_pb.js';
import { difference, run } from '../../support.js';

interface Manifest {
  input: { width: number; height: number; rgb: number[] };
  files: {
    file: string;
    factor: number;
    width: number | null;
    logDepth: number;
    globalNodeFactor: number;
    parameters: number;
    warnings: number;
    shape: number[];
    at: number;
  }[];
  malformed: { file: string; why: string }[];
}

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/rsr/${name}`, import.meta.url));
const manifest = JSON.parse(readFileSync(fixture('manifest.json'), 'utf8')) as Manifest;
const expectedValues = new Float32Array(Uint8Array.from(readFileSync(fixture('expected.f32'))).buffer);

async function open(path: string, bytes: Uint8Array = new Uint8Array(readFileSync(path))): Promise<Imported> {
  return rsr.convert(await rsr.unpack!({ path, bytes, companions: new Map() }));
}

/** Planes of 0..1 from interleaved bytes. */
function planes({ width, height, rgb }: Manifest['input']): Float32Array {
  return Float32Array.from({ length: rgb.length }, (_, index) => {
    const plane = Math.floor(index / (width * height));
    return rgb[(index % (width * height)) * 3 + plane]! / 255;
  });
}

describe('a network in .rsr', () => {
  test.each(manifest.files)("$file computes what its authors' programs would", async ({ file, shape, at }) => {
    const { model } = await open(fixture(file));
    const { width, height } = manifest.input;
    const output = await run(writeOnnx(model), planes(manifest.input), [1, 3, height, width]);
    expect(output.dims).toEqual(shape);
    const length = shape.reduce((product, size) => product * size, 1);
    expect(difference(output.data, expectedValues.subarray(at, at + length))).toBeLessThan(2e-5);
  });

  test.each(manifest.files)('$file tells its size, from its arrays where the header lies', async (expected) => {
    const { card } = await open(fixture(expected.file));
    expect(card.scale).toBe(expected.factor);
    expect(card.width ?? null).toBe(expected.width);
    expect(card.logDepth).toBe(expected.logDepth);
    expect(card.globalNodeFactor).toBe(expected.globalNodeFactor);
    expect(card.parameters).toBe(expected.parameters);
    expect(card.notes?.filter((note) => note.startsWith('The header says'))).toHaveLength(expected.warnings);
  });

  test.each(manifest.files)('$file is marked global where it averages over the picture', async (expected) => {
    const { model } = await open(fixture(expected.file));
    const { geometry } = analyse(model.graph, 17, { layout: 'NCHW', channels: 3, type: DataType.FLOAT });
    expect(geometry.scale).toBe(expected.factor);
    const reach = 2 ** expected.logDepth;
    const halo = { left: reach, top: reach, right: reach, bottom: reach };
    expect(geometry.halo).toEqual(expected.globalNodeFactor > 0 ? undefined : halo);
    expect(geometry.globalOperators).toEqual(expected.globalNodeFactor > 0 ? ['GlobalAveragePool'] : []);
  });

  test('loads wherever a path of a model is accepted, and keeps what it tells of itself', async () => {
    const model = await modelFromFile(fixture('c_f2_w2_d2_g1_bias.rsr'));
    expect(model.card.label).toBe('c_f2_w2_d2_g1_bias');
    const { geometry } = await model.build();
    expect(geometry).toMatchObject({ scale: 2, width: 2, logDepth: 2, globalNodeFactor: 1, parameters: 1538 });
  });
});

describe('a damaged .rsr', () => {
  test.each(manifest.malformed)('$file ($why) is refused with the byte', async ({ file }) => {
    const error: unknown = await open(fixture(file)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UpresError);
    expect(error).toMatchObject({ code: 'MODEL_INVALID', file: fixture(file) });
    expect((error as UpresError).message).toMatch(/at byte \d+, /);
  });

  test('is said with the layer', async () => {
    await expect(open(fixture('bad_nan.rsr'))).rejects.toThrow(/at byte 296, .*K0<-0 holds NaN/);
    await expect(open(fixture('bad_array_missing.rsr'))).rejects.toThrow(
      /array 31 should be V3<-0 \(3 x 12\), and is missing/,
    );
  });

  test('that claims more content than it can hold is refused before anything is unpacked', async () => {
    const before = process.memoryUsage().arrayBuffers;
    await expect(open(fixture('bad_bomb.rsr'))).rejects.toThrow('314572800 bytes of content');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });

  const packed = new Uint8Array(readFileSync(fixture('c_f2_w2_d2_g1_bias.rsr')));

  test('cut short or changed anywhere, is refused or is the same network', async () => {
    const whole = writeOnnx((await open('whole.rsr', packed)).model);
    const mutation = fc.oneof(
      fc.nat(packed.length - 1).map((length) => packed.slice(0, length)),
      fc.tuple(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
        const changed = packed.slice();
        changed[at]! ^= flip;
        return changed;
      }),
    );
    await fc.assert(
      fc.asyncProperty(mutation, async (bytes) => {
        const opened = await open('changed.rsr', bytes).catch((error: unknown) => error);
        if (opened instanceof UpresError) expect(opened.code).toBe('MODEL_INVALID');
        else expect(writeOnnx((opened as Imported).model)).toEqual(whole);
      }),
      { numRuns: 150 },
    );
  });

  test('whose content was changed, with right checksums, is refused or converted, and never takes more than it holds', async () => {
    const content = unshuffle(await unpackXz(packed, 'whole.rsr'));
    const mutation = fc.oneof(
      fc.nat(content.length - 1).map((length) => content.slice(0, length)),
      // Headers, counts and dimensions: small, huge and negative numbers in any place.
      fc
        .tuple(
          fc.oneof(fc.nat(200), fc.nat(content.length - 8)),
          fc.constantFrom(0n, 1n, 3n, 2n ** 16n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 64n - 1n),
          fc.constantFrom(4, 8),
        )
        .map(([at, value, width]) => {
          const changed = content.slice();
          const view = new DataView(changed.buffer);
          if (width === 8) view.setBigUint64(at, value, true);
          else view.setUint32(at, Number(value & 0xffff_ffffn), true);
          return changed;
        }),
    );
    fc.assert(
      fc.property(mutation, (bytes) => {
        try {
          const { model } = rsr.convert({ path: 'changed.rsr', bytes, companions: new Map() });
          expect(writeOnnx(model).length).toBeLessThan(20 * content.length);
        } catch (error) {
          expect(error).toBeInstanceOf(UpresError);
          expect((error as UpresError).code).toBe('MODEL_INVALID');
        }
      }),
      { numRuns: 500 },
    );
  });
});
