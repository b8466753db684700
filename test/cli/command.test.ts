import { readFile, rm } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorCodes, execute, type Finished, jsonLines, main, sharedCache, upres } from './support/command.js';
import { makeFolder } from './support/folder.js';
import { look, picture } from './support/pictures.js';

let small: Uint8Array;
let jpeg: Uint8Array;

beforeAll(async () => {
  small = await picture(24, 16);
  jpeg = await picture(24, 16, 'jpeg');
  // Or each of the commands that run at once would prepare these by itself.
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small });
  for (const model of ['natural', 'nearest']) await upres(['a.png', '-m', model, '-o', model], { cwd: folder.path });
});

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

describe.concurrent('sizes', () => {
  test.each<[string[], string, number, number]>([
    [[], 'a@2x.png', 48, 32],
    [['-x', '1.5'], 'a@1.5x.png', 36, 24],
    [['--upscale', '4'], 'a@4x.png', 96, 64],
    [['--width', '60'], 'a-60w.png', 60, 40],
    [['--width', '12'], 'a-12w.png', 12, 8],
    [['--height', '48'], 'a-48h.png', 72, 48],
    [['--width', '30', '--height', '30'], 'a-30w-30h.png', 30, 30],
    [['--min-width', '40'], 'a-40w.png', 40, 27],
    [['--min-width', '10'], 'a-10w.png', 24, 16],
  ])('%o makes %s', async (flags, output, width, height) => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small });
    const { code, stdout, stderr } = await upres(['a.png', ...flags], { cwd: folder.path });
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: '' });
    expect(await folder.list()).toEqual(['a.png', output].sort());
    expect(await look(folder.join(output))).toEqual({ width, height, format: 'png' });
  });
});

describe.concurrent('--format and --quality', () => {
  test.each([
    ['png', 'a@2x.png', 'png'],
    ['jpg', 'a@2x.jpg', 'jpeg'],
    ['webp', 'a@2x.webp', 'webp'],
    ['avif', 'a@2x.avif', 'avif'],
    ['gif', 'a@2x.gif', 'gif'],
    ['tiff', 'a@2x.tif', 'tiff'],
  ])('%s makes %s', async (flag, output, format) => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small });
    const { code, stderr } = await upres(['a.png', '-f', flag, '-m', 'nearest'], { cwd: folder.path });
    expect(code, stderr).toBe(0);
    expect(await look(folder.join(output))).toEqual({ width: 48, height: 32, format });
  });

  test('several formats make a file each', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small, 'b.jpg': jpeg });
    const args = ['.', '-f', 'avif,webp', '-q', '60', '-m', 'nearest', '--json'];
    const { code, stdout, stderr } = await upres(args, { cwd: folder.path });
    expect(code, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(4);
    expect(await folder.list()).toEqual(expect.arrayContaining(['a@2x.avif', 'a@2x.webp', 'b@2x.avif', 'b@2x.webp']));
    expect(stderr).toContain('4 images upscaled');
  });

  test('quality makes JPEGs smaller and leaves PNGs alone', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small, 'b.jpg': jpeg });
    await upres(['.', '-m', 'nearest', '-o', 'usual'], { cwd: folder.path });
    const { code } = await upres(['.', '-m', 'nearest', '-q', '20', '-o', 'low', '--quiet'], { cwd: folder.path });
    expect(code).toBe(0);
    const bytes = async (file: string) => (await readFile(folder.join(file))).length;
    expect(await bytes('low/b@2x.jpg')).toBeLessThan(await bytes('usual/b@2x.jpg'));
    expect(await readFile(folder.join('low/a@2x.png'))).toEqual(await readFile(folder.join('usual/a@2x.png')));
  });
});

describe('--model', () => {
  test('chooses a network', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small });
    const models = ['natural', 'art', 'bicubic', 'bilinear', 'nearest'];
    const lines = [];
    for (const model of models) {
      const { stdout } = await upres(['a.png', '-m', model, '-o', model, '--json'], { cwd: folder.path });
      lines.push(jsonLines(stdout).get('a.png'));
    }
    expect(lines).toMatchObject(models.map((model) => ({ model, output: `${model}/a@2x.png` })));
    const results = await Promise.all(models.map((model) => readFile(folder.join(model, 'a@2x.png'), 'base64')));
    expect(new Set(results).size).toBe(models.length);
  });

  test('takes the path of an ONNX file', async () => {
    await using folder = await makeFolder();
    const onnx = await readFile(new URL('../../models/art-x2/model.json', import.meta.url), 'utf8');
    const { file } = JSON.parse(onnx) as { file: string };
    await folder.write({
      'a.png': small,
      'mine.onnx': await readFile(new URL(`../../models/art-x2/${file}`, import.meta.url)),
    });
    await upres(['a.png', '-m', 'art', '-o', 'art'], { cwd: folder.path });
    const { code, stderr } = await upres(['a.png', '-m', 'mine.onnx', '-o', 'mine'], { cwd: folder.path });
    expect(code, stderr).toBe(0);
    expect(await readFile(folder.join('mine/a@2x.png'))).toEqual(await readFile(folder.join('art/a@2x.png')));
  });

  test('that is no network ends the run, said once', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small, 'b.png': small, 'bad.onnx': 'this is no network' });
    const { code, stderr, stdout } = await upres(['.', '-m', 'bad.onnx', '--json'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr.match(/MODEL_INVALID/g)).toHaveLength(1);
    expect(jsonLines(stdout).size).toBe(1);
    expect(await folder.list()).toEqual(['a.png', 'b.png', 'bad.onnx']);
  });
});

test('--alpha and --colour reach the image', async () => {
  await using folder = await makeFolder();
  const rgba = sharp(Buffer.from(Array.from({ length: 16 * 16 * 4 }, (_, i) => (i * 37) % 256)), {
    raw: { width: 16, height: 16, channels: 4 },
  });
  await folder.write({
    'alpha.png': await rgba.png().toBuffer(),
    'p3.png': await sharp(small).withIccProfile('p3').png().toBuffer(),
  });
  const run = (args: string[]) => upres([...args, '--quiet'], { cwd: folder.path });
  await run(['alpha.png', '-o', 'network']);
  await run(['alpha.png', '-o', 'bicubic', '--alpha', 'bicubic']);
  await run(['p3.png', '-o', 'srgb']);
  await run(['p3.png', '-o', 'keep', '--colour', 'keep']);
  await run(['p3.png', '-o', 'american', '--color', 'keep']);
  expect(await readFile(folder.join('network/alpha@2x.png'))).not.toEqual(
    await readFile(folder.join('bicubic/alpha@2x.png')),
  );
  expect((await sharp(folder.join('srgb/p3@2x.png')).metadata()).icc).toBeUndefined();
  expect((await sharp(folder.join('keep/p3@2x.png')).metadata()).icc).toBeDefined();
  expect(await readFile(folder.join('american/p3@2x.png'))).toEqual(await readFile(folder.join('keep/p3@2x.png')));
});

test('--threads changes the speed, never the bytes', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': await picture(200, 150) });
  for (const threads of ['1', '3']) await upres(['a.png', '-t', threads, '-o', threads], { cwd: folder.path });
  expect(await readFile(folder.join('1/a@2x.png'))).toEqual(await readFile(folder.join('3/a@2x.png')));
});

test('pixel limits are kept', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small });
  const input = await upres(['a.png', '--max-input-pixels', '383'], { cwd: folder.path });
  expect(input).toMatchObject({ code: 1, stderr: expect.stringContaining('[INPUT_TOO_LARGE]') as string });
  const output = await upres(['a.png', '--max-output-pixels', '1535'], { cwd: folder.path });
  expect(output).toMatchObject({ code: 1, stderr: expect.stringContaining('[OUTPUT_TOO_LARGE]') as string });
  const both = ['--max-input-pixels', '384', '--max-output-pixels', '1536'];
  expect(await upres(['a.png', ...both], { cwd: folder.path })).toMatchObject({ code: 0 });
});

describe('folders and patterns', () => {
  test('keep their structure, pass over what is no picture, and skip their own outputs next time', async () => {
    await using folder = await makeFolder();
    await folder.write({
      'src/a.png': small,
      'src/sub/b.jpg': jpeg,
      'src/logo.svg': '<svg/>',
      'src/readme.txt': '',
      'src/.hidden/c.png': small,
      'src/node_modules/d.png': small,
    });
    const first = await upres(['src', '-m', 'nearest', '-o', 'out', '--json'], { cwd: folder.path });
    expect(first.code).toBe(0);
    expect((await folder.list()).filter((name) => name.startsWith('out/'))).toEqual([
      'out/a@2x.png',
      'out/sub/b@2x.jpg',
    ]);
    expect(first.stderr).toContain('Skipped: 1 .svg, 1 .txt.');
    expect(jsonLines(first.stdout).get('src/sub/b.jpg')).toEqual({
      input: 'src/sub/b.jpg',
      output: 'out/sub/b@2x.jpg',
      width: 48,
      height: 32,
      frames: 1,
      upscale: 2,
      model: 'nearest',
      ms: expect.any(Number) as number,
      bytes: (await readFile(folder.join('out/sub/b@2x.jpg'))).length,
      // Other tests have the same picture.
      cached: expect.any(Boolean) as boolean,
    });

    await upres(['src', '-m', 'nearest'], { cwd: folder.path });
    const again = await upres(['src', '-m', 'nearest'], { cwd: folder.path });
    expect(again).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('2 from the cache, 2 unchanged)') as string,
    });
    expect(again.stderr).toContain('Skipped: 2 larger variants, 1 .svg, 1 .txt.');
    expect((await folder.list()).filter((name) => name.includes('@2x@2x') || name.includes('@4x'))).toEqual([]);
  });

  test('patterns are understood when the shell leaves them alone', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'img/a.png': small, 'img/x/b.png': small, 'img/c.jpg': jpeg });
    const { code } = await upres(['img/**/*.png', '-m', 'nearest', '-o', 'out'], { cwd: folder.path });
    expect(code).toBe(0);
    expect((await folder.list()).filter((name) => name.startsWith('out/'))).toEqual(['out/a@2x.png', 'out/x/b@2x.png']);
  });

  test('nothing to do is no error', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.txt': '' });
    expect(await upres(['.'], { cwd: folder.path })).toMatchObject({
      code: 0,
      stderr: 'No image was upscaled.\nSkipped: 1 .txt.\n',
    });
  });

  test('a denser picture that stands alone is a source, unless upres made it', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'package.json': '{}', 'in/a.png': small, 'hand/b@2x.png': await picture(20, 12) });
    expect((await upres(['in', '-m', 'nearest', '-o', 'out'], { cwd: folder.path })).code).toBe(0);
    const { code, stderr } = await upres(['out', 'hand', '-m', 'nearest', '-o', 'again'], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stderr).toContain('Skipped: 1 larger variant.');
    expect((await folder.list()).filter((name) => name.startsWith('again/'))).toEqual(['again/b@4x.png']);
  });

  test('an SVG is refused when it is named', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>', 'a.png': small });
    const { code, stderr } = await upres(['logo.svg', 'a.png', '-m', 'nearest'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: logo\.svg: .*\[UNSUPPORTED_FORMAT\]/);
    expect(await folder.list()).toContain('a@2x.png');
  });
});

test('-o names the very file, in the format of its name', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small });
  const { code } = await upres(['a.png', '-o', 'new/big.webp', '-q', '50', '-m', 'nearest'], { cwd: folder.path });
  expect(code).toBe(0);
  expect(await folder.list()).toEqual(['a.png', 'new/big.webp']);
  expect(await look(folder.join('new/big.webp'))).toMatchObject({ format: 'webp' });
});

test('a picture under another format’s name keeps its own format, and that is said', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.jpg': small });
  const { code, stderr } = await upres(['a.jpg', '-m', 'nearest'], { cwd: folder.path });
  expect(code).toBe(0);
  expect(stderr).toContain('note: a.jpg holds a png image whatever its name says');
  expect(await look(folder.join('a@2x.jpg'))).toMatchObject({ format: 'png' });
});

test('--quiet prints errors only, and --json nothing but lines', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small, 'bad.png': '' });
  const { code, stdout, stderr } = await upres(['.', '-m', 'nearest', '--quiet', '--json'], { cwd: folder.path });
  expect(code).toBe(1);
  expect([...jsonLines(stdout).keys()].sort()).toEqual(['a.png', 'bad.png']);
  expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/^error: bad\.png: .*\[INPUT_EMPTY\]$/)]);
});

describe.concurrent('wrong usage ends with 2 and writes nothing', () => {
  test.each<[string[], string]>([
    [[], 'name at least one image'],
    [['a.png', '--widht', '3'], 'Did you mean --width?'],
    [['a.png', '-x', '9'], '--upscale must be a number above 1 and up to 8'],
    [['a.png', '-x'], 'argument missing'],
    [['a.png', '-x', '2', '--width', '9'], 'ask for different sizes'],
    [['a.png', '-f', 'wepb'], 'Did you mean "webp"?'],
    [['a.png', '-m', 'naturel'], 'Did you mean "natural"?'],
    [['a.png', '-m', 'no/such.onnx'], 'there is no such file'],
    [['a.png', 'b.png', '-o', 'c.png'], 'names one file, but there are 2 inputs'],
    [['a.png', '-o', '-', '--json'], '--json prints to standard output, and so does --out -'],
    [['a.png', '-o', '-', '-f', 'avif,webp'], 'standard output takes one picture, not avif and webp'],
    [['x', '-o', '-'], 'a folder or pattern may lead to many inputs'],
    [['a.png', 'b.png', '-o', '-'], 'standard output, which takes one picture, but there are 2 inputs'],
    [['-', 'a.png'], 'has no name: give --out the name of a file'],
    [['-', '-o', 'folder/'], 'has no name: give --out the name of a file'],
    [['models', '--jsn'], 'Did you mean --json?'],
  ])('%o', async (args, message) => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small, 'b.png': small, 'x/a.png': small });
    const { code, stdout, stderr } = await upres(args, { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(await folder.list()).toEqual(['a.png', 'b.png', 'x/a.png']);
  });
});

describe.concurrent('inputs that would be written to one file', () => {
  test('are told and left, and the others are made', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small, 'a.jpg': jpeg, 'b.png': small });
    const { code, stdout, stderr } = await upres(['.', '-f', 'webp', '-m', 'nearest', '--json'], { cwd: folder.path });
    expect(code).toBe(1);
    expect([...jsonLines(stdout)]).toMatchObject([
      ['a.jpg', { error: { code: 'OUTPUT_COLLISION' } }],
      ['a.png', { error: { code: 'OUTPUT_COLLISION' } }],
      ['b.png', { output: 'b@2x.webp' }],
    ]);
    expect(stderr.match(/error: /g)).toHaveLength(1);
    expect(stderr).toContain('a.jpg and a.png would be written to the same file');
    expect(stderr).toContain('1 image upscaled');
    expect(stderr).toContain('2 failed.');
    expect(await folder.list()).toEqual(['a.jpg', 'a.png', 'b.png', 'b@2x.webp']);
  });

  test('are one alone where the output would be its own source', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small });
    const { code, stderr } = await upres(['a.png', '-o', 'a.png'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stderr).toContain('is its own source');
    expect(Buffer.compare(await readFile(folder.join('a.png')), small)).toBe(0);
  });
});

describe.concurrent('standard input and output', () => {
  /** In a shell, as users pipe: bytes stay bytes. */
  const shell = (line: string, cwd: string): Promise<Finished> =>
    execute('sh', ['-c', line.replaceAll('upres', `"${process.execPath}" "${main}" -m nearest`)], { cwd });

  test('are what a hyphen stands for, and the bytes are those of a file', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small });
    const { code, stderr } = await shell(
      'cat a.png | upres - -o - > piped.png && upres a.png -o file.png && upres a.png -o - > out.png && upres - -o in.png < a.png',
      folder.path,
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('standard input → standard output (48×32');
    const [file, ...others] = await Promise.all(
      ['file', 'piped', 'out', 'in'].map((name) => readFile(folder.join(`${name}.png`), 'hex')),
    );
    for (const other of others) expect(other).toBe(file);
    expect(await look(folder.join('piped.png'))).toEqual({ width: 48, height: 32, format: 'png' });
  });

  test('output is where input alone leads, in the format that is asked for', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.jpg': jpeg });
    const { code, stderr } = await shell('upres - -q 40 <a.jpg >low && upres - -f webp <a.jpg >b', folder.path);
    expect(code, stderr).toBe(0);
    expect(await look(folder.join('low'))).toMatchObject({ format: 'jpeg' });
    expect(await look(folder.join('b'))).toMatchObject({ format: 'webp' });
    expect((await readFile(folder.join('low'))).length).toBeLessThan(2 * jpeg.length);
  });

  test('nothing at all, and what is no picture, are errors that name standard input and print nothing', async () => {
    await using folder = await makeFolder();
    await folder.write({ text: 'no picture' });
    const empty = await shell('upres - </dev/null', folder.path);
    expect(empty).toMatchObject({ code: 1, stdout: '' });
    expect(empty.stderr).toContain('error: standard input: the file is empty [INPUT_EMPTY]');
    const text = await shell('upres - < text', folder.path);
    expect(text).toMatchObject({ code: 1, stdout: '' });
    expect(text.stderr).toContain('error: standard input: this is not an image that upres knows');
    const original = await shell('upres - --on-error original < text', folder.path);
    expect(original).toMatchObject({ code: 0, stdout: 'no picture' });
  });

  test('a file of that name is reached by its folder', async () => {
    await using folder = await makeFolder();
    await folder.write({ '-': small });
    expect((await shell('upres ./- -o b.png', folder.path)).code).toBe(0);
    expect(await folder.list()).toEqual(['-', 'b.png']);
  });
});

describe.concurrent('--dry-run', () => {
  test('says what would be made, with sizes, and makes nothing', async () => {
    await using folder = await makeFolder();
    await folder.write({
      'a.png': small,
      'sub/b.jpg': jpeg,
      'bad.png': 'no picture',
      'c.png': small,
      'c@2x.png': 'mine',
    });
    const { code, stdout, stderr } = await upres(['.', '--dry-run', '--json'], { cwd: folder.path });
    expect(code).toBe(1);
    const lines = jsonLines(stdout);
    expect(lines.get('a.png')).toEqual({
      input: 'a.png',
      output: 'a@2x.png',
      width: 48,
      height: 32,
      frames: 1,
      upscale: 2,
      dryRun: true,
    });
    expect(lines.get('sub/b.jpg')).toMatchObject({ output: 'sub/b@2x.jpg', dryRun: true });
    expect(errorCodes(stdout)).toEqual({ 'bad.png': 'UNSUPPORTED_FORMAT', 'c.png': 'OUTPUT_EXISTS' });
    expect(stderr).toContain('a.png → a@2x.png (48×32)\n');
    expect(stderr).toContain('2 images would be upscaled; nothing was written.\n2 failed.\n');
    expect(await folder.list()).toEqual(['a.png', 'bad.png', 'c.png', 'c@2x.png', 'sub/b.jpg']);
  });

  test('knows what it may write again, and what is too large', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small });
    await upres(['a.png', '-m', 'nearest'], { cwd: folder.path });
    expect((await upres(['a.png', '--dry-run'], { cwd: folder.path })).code).toBe(0);
    const large = await upres(['a.png', '--dry-run', '--max-output-pixels', '1535'], { cwd: folder.path });
    expect(large).toMatchObject({ code: 1, stderr: expect.stringContaining('[OUTPUT_TOO_LARGE]') as string });
  });
});
