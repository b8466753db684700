import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Input } from '#src/cli/collect.js';
import { parseOptions, type RawOptions } from '#src/cli/options.js';
import { describeCollision, plan } from '#src/cli/plan.js';
import { makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

function named(file: string): Input {
  return { path: file, relative: path.basename(file), named: true };
}

function below(folder: string, relative: string): Input {
  return { path: path.join(folder, relative), relative, named: false };
}

async function outputs(inputs: Input[], raw: RawOptions = {}): Promise<string[]> {
  const { jobs } = await plan(inputs, parseOptions(raw));
  return jobs.map(({ output }) => output);
}

describe('outputs', () => {
  test('lie next to their inputs', async () => {
    expect(await outputs([named('img/a.png'), below('img', 'sub/b.jpg')])).toEqual([
      'img/a@2x.png',
      'img/sub/b@2x.jpg',
    ]);
  });

  test('keep their structure below --out', async () => {
    expect(await outputs([named('img/a.png'), below('img', 'sub/b.jpg')], { out: 'o' })).toEqual([
      'o/a@2x.png',
      'o/sub/b@2x.jpg',
    ]);
  });

  test('are several where several formats are asked for', async () => {
    expect(await outputs([named('a.png'), named('b.jpeg')], { format: 'avif,jpg' })).toEqual([
      'a@2x.avif',
      'a@2x.jpg',
      'b@2x.avif',
      'b@2x.jpeg',
    ]);
  });

  test('of one named input may be a file', async () => {
    const { jobs } = await plan([named('a.png')], parseOptions({ out: 'x/big.webp', quality: '50' }));
    expect(jobs).toMatchObject([{ output: 'x/big.webp', format: 'webp', quality: 50, makeFolder: true }]);
  });

  test('of one named input lie in --out when that is a folder, whatever its name', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'odd.png/keep': '' });
    expect(await outputs([named('a.png')], { out: folder.join('odd.png') })).toEqual([
      folder.join('odd.png', 'a@2x.png'),
    ]);
    expect(await outputs([named('a.png')], { out: 'new.png/' })).toEqual(['new.png/a@2x.png']);
    expect(await outputs([named('a.png')], { out: 'v1.2' })).toEqual(['v1.2/a@2x.png']);
  });

  test('get a quality only where their format has one', async () => {
    const { jobs } = await plan([named('a.png'), named('b.jpg')], parseOptions({ quality: '50' }));
    expect(jobs.map(({ quality }) => quality)).toEqual([undefined, 50]);
  });

  test('have a place for the original, in its own format', async () => {
    const { jobs } = await plan([named('a.png'), named('b.jpg')], parseOptions({ format: 'jpeg' }));
    expect(jobs.map(({ original }) => original)).toEqual(['a@2x.png', 'b@2x.jpg']);
  });

  test('have no place for the original where that is an input', async () => {
    const { jobs } = await plan([named('a.png')], parseOptions({ out: 'a.webp' }));
    expect(jobs[0]).not.toHaveProperty('original');
  });
});

describe('--out as a file is refused', () => {
  test.each<[string, Input[], RawOptions, string]>([
    ['for two inputs', [named('a.png'), named('b.png')], { out: 'o.png' }, 'names one file, but there are 2 inputs'],
    ['for a folder', [below('img', 'a.png')], { out: 'o.png' }, 'a folder or pattern may lead to many inputs'],
    ['against --format', [named('a.png')], { out: 'o.png', format: 'webp' }, 'ask for different formats'],
    ['in a format that is not written', [named('a.png')], { out: 'o.bmp' }, "doesn't write .bmp files"],
  ])('%s', async (_, inputs, raw, message) => {
    await expect(plan(inputs, parseOptions(raw))).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining(message) as string,
    });
  });

  test('when a file that is no image has the name', async () => {
    await using folder = await makeFolder();
    await folder.write({ notes: '' });
    await expect(plan([named('a.png')], parseOptions({ out: folder.join('notes') }))).rejects.toThrow('is a file');
  });
});

describe('standard input', () => {
  const piped = async (): Promise<Input> => ({
    path: '-',
    relative: '-',
    named: true,
    bytes: await picture(4, 4, 'jpeg'),
  });

  test('leads to standard output, or to the file that is named', async () => {
    const one = await piped();
    expect((await plan([one], parseOptions({}))).jobs).toMatchObject([{ output: '-', original: '-' }]);
    expect((await plan([one], parseOptions({ out: 'b.webp' }))).jobs).toMatchObject([
      { output: 'b.webp', format: 'webp', original: 'b.jpg' },
    ]);
  });

  test('has the quality of its own format', async () => {
    const one = await piped();
    expect((await plan([one], parseOptions({ quality: '40' }))).jobs[0]).toMatchObject({ quality: 40 });
    const png = { ...one, bytes: await picture(4, 4) };
    expect((await plan([png], parseOptions({ quality: '40' }))).jobs[0]).not.toHaveProperty('quality');
  });
});

describe('collisions', () => {
  async function collisions(inputs: Input[], raw: RawOptions = {}): Promise<string[]> {
    return (await plan(inputs, parseOptions(raw))).collisions.map(describeCollision);
  }

  test('of two formats of one picture', async () => {
    expect(await collisions([named('a.png'), named('a.jpg')], { format: 'webp' })).toEqual([
      'a.png and a.jpg would be written to the same file, a@2x.webp: upscale them one by one, or into different folders with --out',
    ]);
    expect(await collisions([named('a.png'), named('a.jpg')])).toEqual([]);
  });

  test('leave the others alone', async () => {
    const inputs = [named('a.png'), named('a.jpg'), named('b.png')];
    expect(await outputs(inputs, { format: 'webp' })).toEqual(['b@2x.webp']);
    expect(await outputs([named('a@2x.png'), named('a@4x.png')])).toEqual(['a@8x.png']);
  });

  test('of equal names in one folder', async () => {
    expect(await collisions([named('x/a.png'), named('y/a.png')], { out: 'o' })).toHaveLength(1);
  });

  test('of an output with another input', async () => {
    expect(await collisions([named('a@2x.png'), named('a@4x.png')])).toEqual([
      'a@2x.png would be written over a@4x.png, which is an input too',
    ]);
  });

  test('of an output with its own source', async () => {
    expect(await collisions([named('a.png')], { out: 'a.png' })).toEqual([
      'a.png is its own source: choose another name or folder with --out',
    ]);
  });
});
