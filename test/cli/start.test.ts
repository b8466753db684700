import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execute, main, sharedCache, upres } from './support/command.js';
import { type Folder, makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

/** Notes every binary that the process loads, with the switch as it stood then. */
const spy = `const { appendFileSync } = require('node:fs');
const load = process.dlopen;
process.dlopen = function (module, file, ...rest) {
  appendFileSync(process.env.UPRES_SPY, JSON.stringify({ file, telemetry: process.env.ORT_DISABLE_TELEMETRY }) + '\\n');
  return load.call(this, module, file, ...rest);
};
process.on('exit', () => {
  const files = Object.keys(require.cache).filter((file) => file !== __filename);
  appendFileSync(process.env.UPRES_SPY + '.modules', files.map((file) => file + '\\n').join(''));
});
`;

let folder: Folder;

beforeAll(async () => {
  folder = await makeFolder();
  await folder.write({ 'spy.cjs': spy, 'a.png': await picture(24, 16) });
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
  await rm(sharedCache, { recursive: true, force: true });
});

interface Binary {
  readonly file: string;
  readonly telemetry: string;
}

const binaries = async (args: string[]): Promise<Binary[]> => (await loaded(args)).binaries;

/** What the command loads: binaries, and CommonJS modules by their paths. */
async function loaded(args: string[]): Promise<{ binaries: Binary[]; modules: string[] }> {
  const log = folder.join('spy.log');
  for (const old of [log, `${log}.modules`]) await rm(old, { force: true });
  const env = { ...process.env };
  delete env.ORT_DISABLE_TELEMETRY;
  await execute(process.execPath, [main, ...args], {
    cwd: folder.path,
    spawn: {
      env: { ...env, XDG_CACHE_HOME: sharedCache, NODE_OPTIONS: `--require ${folder.join('spy.cjs')}`, UPRES_SPY: log },
    },
  });
  const [notes, modules] = await Promise.all(
    [log, `${log}.modules`].map(async (file) =>
      (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1),
    ),
  );
  return { binaries: notes!.map((line) => JSON.parse(line) as Binary), modules: modules! };
}

describe('nothing heavy is loaded', () => {
  test.each([[['--help']], [['--version']], [['models']], [['--nonsense']], [[]]])('by %o', async (args) => {
    expect(await binaries(args)).toEqual([]);
  });
});

test('telemetry is off before the runtime is loaded', async () => {
  const loaded = await binaries(['a.png']);
  const runtime = loaded.filter(({ file }) => file.includes('onnxruntime'));
  expect(runtime.length).toBeGreaterThan(0);
  expect(runtime.every(({ telemetry }) => telemetry === '1')).toBe(true);
  expect(loaded.some(({ file }) => file.includes('sharp'))).toBe(true);
});

test('a picture that was made before is found by few modules of our own, and without codecs or runtime', async () => {
  const args = ['a.png', '-m', 'nearest', '--quiet', '--cache', 'results'];
  const computed = await loaded(args);
  expect(computed.binaries.some(({ file }) => file.includes('sharp'))).toBe(true);
  const found = await loaded(args);
  expect(found.binaries).toEqual([]);
  expect(found.modules.filter((file) => file.includes('node_modules'))).toEqual([]);
  expect(found.modules.map((file) => basename(file))).toContain('upres.cjs');
  expect(found.modules.length).toBeLessThanOrEqual(5);
});

test('compiled code is kept, and damage to it harms nobody', async () => {
  await using place = await makeFolder();
  await place.write({ 'a.png': await picture(24, 16) });
  const cache = place.join('cache');
  const run = () =>
    upres(['*.png', '-m', 'nearest', '--quiet', '--overwrite', '--no-cache'], { cwd: place.path, cache });
  const compiled = async () => (await place.list()).filter((name) => name.startsWith('cache/upres/code/'));
  expect(await run()).toMatchObject({ code: 0, stderr: '' });
  const files = await compiled();
  expect(files.length).toBeGreaterThan(0);
  // Of code that was compiled before, too: it can't import by itself on Node 20.
  expect(await run()).toMatchObject({ code: 0, stderr: '' });
  for (const file of files) await writeFile(place.join(file), 'no compiled code');
  expect(await run()).toMatchObject({ code: 0, stderr: '' });
  expect(await compiled()).toEqual(files);
  for (const file of files) expect((await readFile(place.join(file))).length, file).toBeGreaterThan(100);
});

test('--version and --help', async () => {
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await upres(['--version'], { cwd: folder.path })).toMatchObject({
    code: 0,
    stdout: `${manifest.version}\n`,
    stderr: '',
  });
  const help = await upres(['--help'], { cwd: folder.path });
  expect(help).toMatchObject({ code: 0, stderr: '' });
  for (const flag of ['--out', '--upscale', '--width', '--height', '--min-width', '--model', '--format', '--quality']) {
    expect(help.stdout).toContain(flag);
  }
  for (const words of [
    '--threads',
    '--on-error',
    '--overwrite',
    '--json',
    '--quiet',
    'models',
    'doctor',
    'Examples:',
  ]) {
    expect(help.stdout).toContain(words);
  }
});

test('models are listed, as a table and as lines of JSON', async () => {
  const plain = await upres(['models'], { cwd: folder.path });
  expect(plain).toMatchObject({ code: 0, stderr: '' });
  expect(plain.stdout).toMatch(/^label +scales +for +licence +author$/m);
  expect(plain.stdout).toMatch(/^natural +×2 ×3 ×4 +photographs +MIT +/m);
  const json = await upres(['models', '--json'], { cwd: folder.path });
  const labels = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { label: string; scales: number[] });
  expect(labels.map(({ label }) => label)).toEqual(
    expect.arrayContaining(['natural', 'natural-jpeg', 'art', 'anime', 'bicubic', 'bilinear', 'nearest']),
  );
  expect(labels.find(({ label }) => label === 'art')).toMatchObject({ scales: [2], licence: 'MIT', kind: 'network' });
});

test('a folder called models is reached with ./', async () => {
  await using place = await makeFolder();
  await place.write({ 'models/a.png': await picture(24, 16) });
  expect(await upres(['./models', '-m', 'nearest'], { cwd: place.path })).toMatchObject({ code: 0 });
  expect(await place.list()).toEqual(['models/a.png', 'models/a@2x.png']);
});

describe('a reader that leaves early', () => {
  test('doesn’t stop the work', async () => {
    await using place = await makeFolder();
    const image = await picture(24, 16);
    await place.write({ 'a.png': image, 'b.png': image, 'c.png': image });
    const result = await upres(['.', '-m', 'nearest', '--json'], {
      cwd: place.path,
      onStart: (child) => child.stdout?.destroy(),
    });
    expect(result).toMatchObject({ code: 0, signal: null });
    expect(result.stderr).toContain('3 images upscaled');
    expect(await place.list()).toHaveLength(6);
  });

  test('of messages doesn’t either', async () => {
    await using place = await makeFolder();
    await place.write({ 'a.png': await picture(24, 16) });
    const result = await upres(['.', '-m', 'nearest', '--json'], {
      cwd: place.path,
      onStart: (child) => child.stderr?.destroy(),
    });
    expect(result).toMatchObject({ code: 0, signal: null });
    expect(result.stdout).toContain('a@2x.png');
  });

  test('gets no stack trace from --help', async () => {
    const result = await upres(['--help'], { cwd: folder.path, onStart: (child) => child.stdout?.destroy() });
    expect(result).toMatchObject({ code: 0, stderr: '' });
  });
});

test('an empty standard input is told as such', async () => {
  expect(await upres(['-'], { cwd: folder.path })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('standard input: the file is empty [INPUT_EMPTY]') as string,
  });
});
