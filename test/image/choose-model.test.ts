import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { cacheKey } from '#src/asset/cache-key.js';
import { checkAssetOptions } from '#src/asset/options.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import { chooseForFile } from '#src/image/choose-for-file.js';
import { chooseModel, type JpegDamage, type ModelChoice } from '#src/image/choose-model.js';
import { jpegStorage } from '#src/image/jpeg-quality.js';
import { Meter } from '#src/image/meter.js';
import { pictureFeatures, type PictureFeatures } from '#src/image/picture-features.js';
import type { Frame } from '#src/image/planes.js';
import { readHeader } from '#src/image/probe.js';
import { useUpscaler } from './upscaler.js';

const example = (name: string): string => fileURLToPath(new URL(`../../examples/images/${name}`, import.meta.url));

const grey = (width: number, height: number, value: (x: number, y: number) => number): Frame => ({
  colour: {
    width,
    height,
    channels: 1,
    data: Uint8Array.from({ length: width * height }, (_, at) => value(at % width, Math.floor(at / width))),
  },
  alpha: undefined,
});

describe('how a JPEG was stored', () => {
  it('has a quality, read from its quantisation tables', async () => {
    const picture = sharp(example('astronaut.png')).resize(32);
    for (const quality of [1, 10, 49, 50, 51, 72, 90, 95, 100]) {
      expect(jpegStorage(await picture.clone().jpeg({ quality }).toBuffer())?.quality).toBe(quality);
    }
  });

  it('has the quality of the nearest standard table where the encoder has its own', async () => {
    const file = await sharp(example('astronaut.png')).jpeg({ quality: 75, mozjpeg: true }).toBuffer();
    expect(jpegStorage(file)?.quality).toBeGreaterThan(60);
    expect(jpegStorage(file)?.quality).toBeLessThan(80);
  });

  it('has the mean squared step of the low frequencies of its luminance table', async () => {
    const picture = sharp(example('astronaut.png')).resize(32);
    expect(jpegStorage(await picture.clone().jpeg({ quality: 100 }).toBuffer())?.squaredStep).toBe(1);
    // At 50, the table is the standard one: 16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40.
    expect(jpegStorage(await picture.clone().jpeg({ quality: 50 }).toBuffer())?.squaredStep).toBe(5184 / 16);
  });

  it('has its pixels counted without what lies before them', async () => {
    const picture = sharp(example('astronaut.png')).resize(32);
    const plain = await picture.clone().jpeg().toBuffer();
    const described = await picture
      .clone()
      .jpeg()
      .withExif({ IFD0: { ImageDescription: 'x'.repeat(5000) } })
      .toBuffer();
    expect(described.length).toBeGreaterThan(plain.length + 5000);
    expect(jpegStorage(described)?.pixelBytes).toBe(jpegStorage(plain)?.pixelBytes);
    expect(jpegStorage(plain)?.pixelBytes).toBe(plain.length - plain.indexOf(Buffer.of(0xff, 0xda)));
  });

  it('is unknown without a table, however the file ends', async () => {
    const file = await sharp(example('astronaut.png')).resize(16).jpeg().toBuffer();
    const tables = file.indexOf(Buffer.of(0xff, 0xdb));
    for (let length = 0; length < tables + 60; length++) expect(jpegStorage(file.subarray(0, length))).toBeUndefined();
    expect(jpegStorage(await readFile(example('astronaut.png')))).toBeUndefined();
    expect(jpegStorage(Uint8Array.of(0xff, 0xd8, 0xff, 0xdb, 0, 0, 0xff, 0xda))).toBeUndefined();
  });
});

const oneColour: PictureFeatures = { colours: 1, flat: 1, soft: 0, hard: 0, energy: 0, following: [0, 0] };

describe('what is counted in a picture', () => {
  it('finds one colour flat', async () => {
    expect(await pictureFeatures(grey(9, 7, () => 80))).toEqual(oneColour);
  });

  it('tells gradients, texture and edges apart by the size of the step', async () => {
    expect(await pictureFeatures(grey(9, 9, (x) => x * 8))).toMatchObject({ colours: 8, flat: 0, soft: 0, hard: 0 });
    expect(await pictureFeatures(grey(9, 9, (x) => (x % 2) * 48))).toMatchObject({
      colours: 2,
      flat: 0,
      soft: 1,
      hard: 0,
    });
    expect(await pictureFeatures(grey(9, 9, (x) => (x % 2) * 49))).toMatchObject({
      colours: 2,
      flat: 0,
      soft: 0,
      hard: 1,
    });
  });

  it('tells how the steps of luma follow each other', async () => {
    // Up and down again, in both directions: every step is undone by the next and repeated by the one after that.
    const board = await pictureFeatures(grey(12, 12, (x, y) => ((x + y) % 2) * 10));
    expect(board.energy).toBe(100);
    expect(board.following).toEqual([-1, 1]);
    // The same step everywhere to the right, none down.
    const slope = await pictureFeatures(grey(12, 12, (x) => x * 6));
    expect(slope.energy).toBeCloseTo(36 * (9 / 18), 1);
    expect(slope.following).toEqual([1, 1]);
    // Edges of one step, far from each other: nothing follows.
    const edges = await pictureFeatures(grey(24, 24, (x) => (x % 12 < 6 ? 0 : 80)));
    expect(edges.following).toEqual([0, 0]);
  });

  it('counts the luma of colours', async () => {
    const red: Frame = {
      colour: {
        width: 12,
        height: 12,
        channels: 3,
        data: Uint8Array.from({ length: 432 }, (_, at) => (at % 3 === 0 ? ((at / 3) % 2) * 100 : 0)),
      },
      alpha: undefined,
    };
    const same = await pictureFeatures(grey(12, 12, (x) => (x % 2) * 100));
    expect((await pictureFeatures(red)).energy).toBeCloseTo(same.energy * (77 / 256) ** 2, 6);
    expect((await pictureFeatures(red)).following).toEqual(same.following);
  });

  it('is the same in 16 bits', async () => {
    const narrow = grey(16, 16, (x, y) => (x * 37 + y * 91) % 256);
    const wide: Frame = {
      colour: { ...narrow.colour, data: Uint16Array.from(narrow.colour.data, (value) => value * 257) },
      alpha: undefined,
    };
    expect(await pictureFeatures(wide)).toEqual(await pictureFeatures(narrow));
  });

  it('leaves out what cannot be seen', async () => {
    const { colour } = grey(8, 8, (x) => (x < 4 ? 100 : (x * 83) % 256));
    const alpha = grey(8, 8, (x) => (x < 4 ? 255 : 0)).colour;
    expect(await pictureFeatures({ colour, alpha })).toEqual(oneColour);
    const hidden = await pictureFeatures({ colour, alpha: grey(8, 8, () => 0).colour });
    expect(hidden).toEqual({ ...oneColour, colours: 0, flat: 0 });
  });

  it('exists for a picture of a single pixel', async () => {
    expect(await pictureFeatures(grey(1, 1, () => 5))).toEqual({ ...oneColour, colours: 0, flat: 0 });
  });
});

describe('the choice', () => {
  /** Files of real pictures, as `auto` meets them. */
  const choose = async (file: Uint8Array): Promise<ModelChoice> =>
    chooseForFile(file, await readHeader(file), { file: undefined, meter: new Meter() });
  const photo = sharp(example('astronaut.png'));
  const diagram = sharp(
    Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="240" height="160"><rect width="240" height="160" fill="#fff"/>' +
        [0, 1, 2, 3].map((at) => `<rect x="${10 + 58 * at}" y="${20 + 30 * at}" width="44" height="26"/>`).join('') +
        '<path d="M54 33h14v30M112 63h14v30M170 93h14v30" fill="none" stroke="#c00"/></svg>',
    ),
  );

  it('restores photographs that were stored as JPEG, unless hardly anything was lost', async () => {
    for (const quality of [20, 50, 80]) {
      const choice = await choose(await photo.clone().jpeg({ quality }).toBuffer());
      expect(choice.model).toBe('natural-jpeg');
      expect(choice.reason).toMatch(
        new RegExp(`^JPEG of quality ${quality}, \\d+ colours, \\d+ % flat, \\d+ % of the steps hard$`),
      );
    }
    for (const quality of [97, 100]) {
      expect((await choose(await photo.clone().jpeg({ quality }).toBuffer())).model).toBe('natural');
    }
    expect((await choose(await photo.clone().png().toBuffer())).model).toBe('natural');
  });

  it('takes art for diagrams, as JPEG too, unless much was lost', async () => {
    expect((await choose(await diagram.clone().png().toBuffer())).model).toBe('art');
    for (const quality of [90, 95, 100]) {
      expect((await choose(await diagram.clone().jpeg({ quality }).toBuffer())).model).toBe('art');
    }
    expect((await choose(await diagram.clone().jpeg({ quality: 30 }).toBuffer())).model).toBe('natural-jpeg');
  });

  it('says what it saw', async () => {
    const { reason } = await choose(await diagram.clone().png().toBuffer());
    expect(reason).toMatch(/^\d+ colours, \d+ % flat, \d+ % of the steps hard$/);
  });

  it('never restores what is not a JPEG', async () => {
    const damaged = await sharp(await photo.clone().jpeg({ quality: 30 }).toBuffer())
      .png()
      .toBuffer();
    expect((await choose(damaged)).model).not.toBe('natural-jpeg');
  });

  it('takes natural where nothing can be told', () => {
    const stored: JpegDamage = { quality: 50, squaredStep: 324, bitsPerPixel: 0.1 };
    for (const damage of [undefined, stored]) {
      expect(chooseModel(oneColour, damage).model).toBe('natural');
    }
    expect(chooseModel(oneColour, undefined).reason).toBe('1 colour, 100 % flat, 0 % of the steps hard');
  });
});

describe('model: auto', () => {
  const owner = useUpscaler();
  const { upscaler } = owner;

  it('gives the bytes that the chosen model gives, and tells which and why', async () => {
    const photo = sharp(example('astronaut.png')).resize(48);
    const files: [Uint8Array, string, RegExp][] = [
      [await photo.clone().png().toBuffer(), 'natural', /colours, .* of the steps hard$/],
      [await photo.clone().jpeg({ quality: 72 }).toBuffer(), 'natural-jpeg', /^JPEG of quality 72, /],
      [await readFile(example('clipart-car.png')), 'art', /colours, .* of the steps hard$/],
    ];
    for (const [file, model, reason] of files) {
      const result = await upscaler.upscale(file, { model: 'auto' });
      expect(result.model).toBe(model);
      expect(result.modelReason).toMatch(reason);
      const asked = await upscaler.upscale(file, { model });
      expect(Buffer.compare(result.data, asked.data)).toBe(0);
      expect(asked).not.toHaveProperty('modelReason');
    }
  });

  it('chooses nothing where nothing is enlarged', async () => {
    const result = await upscaler.upscale(example('coffee.jpg'), { upscale: 1, model: 'auto' });
    expect(result.model).toBe('auto');
    expect(result).not.toHaveProperty('modelReason');
  });

  it('has results of its own in the cache', async () => {
    const source = Uint8Array.of(1, 2, 3);
    const keys = await Promise.all(
      ['auto', 'natural', 'natural-jpeg', 'art'].map((model) => cacheKey(source, { model })),
    );
    expect(new Set(keys).size).toBe(4);
    expect(await cacheKey(source, { model: 'auto' })).toBe(keys[0]);
  });

  it('is told in the report of a build, from the cache too', async () => {
    const { folder } = owner;
    const drawing = join(folder, 'car.png');
    await copyFile(example('clipart-car.png'), drawing);
    const pipeline = new AssetPipeline({ cache: 'results' }, { root: folder, warn: () => undefined });
    const asset = await pipeline.plan(drawing, { upscale: [1.1], model: 'auto' });
    for (const status of ['computed', 'cached']) {
      await pipeline.render(asset, asset.variants[0]!);
      const [entry] = pipeline.report.entries();
      expect(entry).toMatchObject({ model: 'art', status });
      expect(entry?.modelReason).toMatch(/colours, /);
    }
    expect(pipeline.report.entries()).toHaveLength(1);
    expect(pipeline.report.table()[0]).toMatch(/art \(\d+ colours, .*\), from the cache$/);
    await pipeline.close();
  });

  it('is known to build tools, and no label of their own', () => {
    expect(() => {
      checkAssetOptions({ model: 'auto', defaults: { model: 'auto' } });
    }).not.toThrow();
    expect(() => {
      checkAssetOptions({ models: { auto: 'x.onnx' } });
    }).toThrow(/built-in/);
  });
});
