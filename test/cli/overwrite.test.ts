import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ErrorLine, OutputLine } from '#src/cli/report.js';
import { errorCodes, sharedCache, upres } from './support/command.js';
import { makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

let small: Uint8Array;

beforeAll(async () => {
  small = await picture(24, 16);
});

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

test('what upres wrote is written again, with other settings too', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small });
  await upres(['a.png', '-m', 'nearest'], { cwd: folder.path });
  const first = await readFile(folder.join('a@2x.png'));
  expect(await upres(['a.png', '-m', 'bicubic'], { cwd: folder.path })).toMatchObject({ code: 0 });
  expect(await readFile(folder.join('a@2x.png'))).not.toEqual(first);
});

test('what someone else wrote is left alone, and the others are made', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small, 'b.png': small, 'a@2x.png': 'precious' });
  const refused = await upres(['.', '-m', 'nearest', '--json'], { cwd: folder.path });
  expect(refused.code).toBe(1);
  expect(errorCodes(refused.stdout)).toEqual({ 'a.png': 'OUTPUT_EXISTS' });
  expect(refused.stderr).toContain('give --overwrite to replace it');
  expect(await readFile(folder.join('a@2x.png'), 'utf8')).toBe('precious');
  expect(await folder.list()).toEqual(['a.png', 'a@2x.png', 'b.png', 'b@2x.png']);

  expect(await upres(['.', '-m', 'nearest', '--overwrite'], { cwd: folder.path })).toMatchObject({ code: 0 });
  expect(await readFile(folder.join('a@2x.png'))).toEqual(await readFile(folder.join('b@2x.png')));
});

test('what was changed since upres wrote it is left alone', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small });
  await upres(['a.png', '-m', 'nearest'], { cwd: folder.path });
  await writeFile(folder.join('a@2x.png'), 'retouched');
  const { code, stderr } = await upres(['a.png', '-m', 'nearest'], { cwd: folder.path });
  expect(code).toBe(1);
  expect(stderr).toContain('[OUTPUT_EXISTS]');
  expect(await readFile(folder.join('a@2x.png'), 'utf8')).toBe('retouched');
});

test('when the record is lost, equal bytes are fine and other bytes need --overwrite', async () => {
  await using folder = await makeFolder();
  await using cache = await makeFolder();
  await folder.write({ 'a.png': small, 'b.png': small });
  const run = (args: string[]) => upres([...args, '--json'], { cwd: folder.path, cache: cache.path });
  await run(['.', '-m', 'nearest']);
  await rm(cache.path, { recursive: true });
  const other = await run(['a.png', '-m', 'bicubic']);
  expect(other.code).toBe(1);
  expect(errorCodes(other.stdout)).toEqual({ 'a.png': 'OUTPUT_EXISTS' });
  expect((await run(['.', '-m', 'nearest'])).code).toBe(0);
  // Equal bytes brought the record back.
  expect((await run(['a.png', '-m', 'bicubic'])).code).toBe(0);
});

test('without a cache folder everything is written, and that is said once', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small, 'b.png': small, blocked: 'a file where the cache folder should be' });
  const run = (args: string[]) => upres(args, { cwd: folder.path, cache: folder.join('blocked') });
  const first = await run(['a.png', 'b.png', '-m', 'nearest']);
  expect(first.code).toBe(0);
  expect(first.stderr.match(/writing them again will need --overwrite/g)).toHaveLength(1);
  expect((await run(['a.png', '-m', 'bicubic'])).code).toBe(1);
  expect((await run(['a.png', '-m', 'bicubic', '--overwrite'])).code).toBe(0);
});

test('a disk without hard links is no obstacle, and nothing is overwritten there either', async () => {
  await using folder = await makeFolder();
  const noLinks = `const fs = require('node:fs');
    fs.promises.link = () => Promise.reject(Object.assign(new Error('no links here'), { code: 'EPERM' }));
    require('node:module').syncBuiltinESMExports();`;
  await folder.write({ 'a.png': small, 'b.png': small, 'b@2x.png': 'precious', 'preload.cjs': noLinks });
  const { code, stdout } = await upres(['a.png', 'b.png', '-m', 'nearest', '--json'], {
    cwd: folder.path,
    env: { NODE_OPTIONS: `--require ${folder.join('preload.cjs')}` },
  });
  expect(code).toBe(1);
  expect(errorCodes(stdout)).toEqual({ 'b.png': 'OUTPUT_EXISTS' });
  expect(await readFile(folder.join('b@2x.png'), 'utf8')).toBe('precious');
  expect(await folder.list()).toEqual(['a.png', 'a@2x.png', 'b.png', 'b@2x.png', 'preload.cjs']);
});

test('a larger picture that someone made by hand is taken, whatever is made of it, and left alone where it lies', async () => {
  await using folder = await makeFolder();
  const large = await picture(50, 34);
  const largeWebp = await picture(50, 34, 'webp');
  await folder.write({
    ...{ 'none.png': small, 'own.png': small, 'other-factor.png': small, 'other-factor@3x.png': large },
    ...{ 'same.png': small, 'same@2x.png': large, 'sub/same.png': small, 'sub/same@2x.png': large },
    ...{ 'webp.png': small, 'webp@2x.webp': largeWebp, 'copy.png': small, 'copy@2x.png': small },
    ...{ 'broken.png': small, 'broken@2x.png': 'no picture' },
  });
  const outputs = async (...args: string[]) => {
    const { stdout } = await upres([...args, '-m', 'nearest', '--json'], { cwd: folder.path });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Partial<OutputLine & ErrorLine>);
    const taken = lines.map(({ input, output, override, error }) => [
      output ?? input,
      override ?? error?.code ?? 'computed',
    ]);
    return Object.fromEntries(taken) as Record<string, string>;
  };
  expect(await outputs('own.png')).toEqual({ 'own@2x.png': 'computed' });

  expect(await outputs('.', '--out', 'o', '-f', 'png,webp')).toEqual({
    ...{ 'o/none@2x.png': 'computed', 'o/none@2x.webp': 'computed' },
    ...{ 'o/own@2x.png': 'computed', 'o/own@2x.webp': 'computed' },
    ...{ 'o/copy@2x.png': 'computed', 'o/copy@2x.webp': 'computed' },
    ...{ 'o/other-factor@2x.png': 'computed', 'o/other-factor@2x.webp': 'computed' },
    ...{ 'o/same@2x.png': 'same@2x.png', 'o/same@2x.webp': 'same@2x.png' },
    ...{ 'o/sub/same@2x.png': 'sub/same@2x.png', 'o/sub/same@2x.webp': 'sub/same@2x.png' },
    ...{ 'o/webp@2x.png': 'computed', 'o/webp@2x.webp': 'webp@2x.webp' },
    'broken.png': 'UNSUPPORTED_FORMAT',
  });
  expect(await readFile(folder.join('o/sub/same@2x.png'))).toEqual(Buffer.from(large));
  expect(await readFile(folder.join('o/webp@2x.webp'))).toEqual(Buffer.from(largeWebp));

  // In place it is an output's own place that it takes, or the place of another.
  expect(await outputs('same.png', 'sub', 'webp.png', '-f', 'png,webp')).toEqual({
    ...{ 'same.png': 'OUTPUT_EXISTS', 'same@2x.webp': 'same@2x.png' },
    ...{ 'sub/same.png': 'OUTPUT_EXISTS', 'sub/same@2x.webp': 'sub/same@2x.png' },
    ...{ 'webp@2x.png': 'computed', 'webp.png': 'OUTPUT_EXISTS' },
  });
  expect(await readFile(folder.join('same@2x.png'))).toEqual(Buffer.from(large));
  // What was copied is still no output of upres, and what is foreseen is what is made.
  expect(await outputs('same.png', '--out', 'p')).toEqual({ 'p/same@2x.png': 'same@2x.png' });
  expect(await outputs('same.png', '--out', 'p', '--dry-run')).toEqual({ 'p/same@2x.png': 'same@2x.png' });
});
