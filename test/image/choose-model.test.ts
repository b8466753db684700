import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { cacheKey } from '#src/asset/cache-key.js';
import { checkAssetOptions } from '#src/asset/options.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import { chooseModel } from '#src/image/choose-model.js';
import { jpegQuality } from '#src/image/jpeg-quality.js';
import { pictureFeatures } from '#src/image/picture-features.js';
import type { Frame } from '#src/image/planes.js';
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

describe('the quality of a JPEG', () => {
  it('is read from its quantisation tables', async () => {
    const picture = sharp(example('astronaut.png')).resize(32);
    for (const quality of [1, 10, 49, 50, 51, 72, 90, 95, 100]) {
      expect(jpegQuality(await picture.clone().jpeg({ quality }).toBuffer())).toBe(quality);
    }
  });

  it('is that of the nearest standard table where the encoder has its own', async () => {
    const file = await sharp(example('astronaut.png')).jpeg({ quality: 75, mozjpeg: true }).toBuffer();
    expect(jpegQuality(file)).toBeGreaterThan(60);
    expect(jpegQuality(file)).toBeLessThan(80);
  });

  it('is unknown without a table, however the file ends', async () => {
    const file = await sharp(example('astronaut.png')).resize(16).jpeg().toBuffer();
    const tables = file.indexOf(Buffer.of(0xff, 0xdb));
    for (let length = 0; length < tables + 60; length++) expect(jpegQuality(file.subarray(0, length))).toBeUndefined();
    expect(jpegQuality(await readFile(example('astronaut.png')))).toBeUndefined();
    expect(jpegQuality(Uint8Array.of(0xff, 0xd8, 0xff, 0xdb, 0, 0, 0xff, 0xda))).toBeUndefined();
  });
});

describe('what is counted in a picture', () => {
  it('finds one colour flat', () => {
    expect(pictureFeatures(grey(9, 7, () => 80))).toEqual({ colours: 1, flat: 1, soft: 0, hard: 0 });
  });

  it('tells gradients, texture and edges apart by the size of the step', () => {
    expect(pictureFeatures(grey(9, 9, (x) => x * 8))).toEqual({ colours: 8, flat: 0, soft: 0, hard: 0 });
    expect(pictureFeatures(grey(9, 9, (x) => (x % 2) * 48))).toEqual({ colours: 2, flat: 0, soft: 1, hard: 0 });
    expect(pictureFeatures(grey(9, 9, (x) => (x % 2) * 49))).toEqual({ colours: 2, flat: 0, soft: 0, hard: 1 });
  });

  it('is the same in 16 bits', () => {
    const narrow = grey(16, 16, (x, y) => (x * 37 + y * 91) % 256);
    const wide: Frame = {
      colour: { ...narrow.colour, data: Uint16Array.from(narrow.colour.data, (value) => value * 257) },
      alpha: undefined,
    };
    expect(pictureFeatures(wide)).toEqual(pictureFeatures(narrow));
  });

  it('leaves out what cannot be seen', () => {
    const { colour } = grey(8, 8, (x) => (x < 4 ? 100 : (x * 83) % 256));
    const alpha = grey(8, 8, (x) => (x < 4 ? 255 : 0)).colour;
    expect(pictureFeatures({ colour, alpha })).toEqual({ colours: 1, flat: 1, soft: 0, hard: 0 });
    const hidden = pictureFeatures({ colour, alpha: grey(8, 8, () => 0).colour });
    expect(hidden).toEqual({ colours: 0, flat: 0, soft: 0, hard: 0 });
  });

  it('exists for a picture of a single pixel', () => {
    expect(pictureFeatures(grey(1, 1, () => 5))).toEqual({ colours: 0, flat: 0, soft: 0, hard: 0 });
  });
});

describe('the choice', () => {
  const drawn = { colours: 14, flat: 0.83, soft: 0.05, hard: 0.12 };
  const photo = { colours: 9000, flat: 0.01, soft: 0.5, hard: 0.05 };

  it('restores a JPEG of quality 90 or less, whatever it shows', () => {
    for (const features of [drawn, photo]) {
      expect(chooseModel(features, 90)).toEqual({ model: 'natural-jpeg', reason: 'JPEG of quality 90' });
      expect(chooseModel(features, 91).model).not.toBe('natural-jpeg');
    }
  });

  it('takes art for what has more hard steps than soft ones, and says what it saw', () => {
    expect(chooseModel(drawn, undefined)).toEqual({
      model: 'art',
      reason: '14 colours, 83 % flat, 71 % of the steps hard',
    });
    expect(chooseModel(drawn, 95)).toEqual({
      model: 'art',
      reason: 'JPEG of quality 95, 14 colours, 83 % flat, 71 % of the steps hard',
    });
    expect(chooseModel(photo, undefined).model).toBe('natural');
    expect(chooseModel(photo, 95).model).toBe('natural');
  });

  it('does not take a thumbnail for a drawing, whose steps are as hard but which has no areas of one colour', () => {
    expect(chooseModel({ colours: 1962, flat: 0.02, soft: 0.4, hard: 0.33 }, undefined).model).toBe('natural');
  });

  it('takes natural where nothing can be told', () => {
    expect(chooseModel({ colours: 1, flat: 1, soft: 0, hard: 0 }, undefined)).toEqual({
      model: 'natural',
      reason: '1 colour, 100 % flat, 0 % of the steps hard',
    });
  });
});

describe('model: auto', () => {
  const owner = useUpscaler();
  const { upscaler } = owner;

  it('gives the bytes that the chosen model gives, and tells which and why', async () => {
    const photo = sharp(example('astronaut.png')).resize(48);
    const files: [Uint8Array, string, RegExp][] = [
      [await photo.clone().png().toBuffer(), 'natural', /colours, .* of the steps hard$/],
      [await photo.clone().jpeg({ quality: 72 }).toBuffer(), 'natural-jpeg', /^JPEG of quality 72$/],
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
