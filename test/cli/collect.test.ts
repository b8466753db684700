import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect } from '#src/cli/collect.js';
import { type Folder, makeFolder } from './support/folder.js';

let folder: Folder;
const start = process.cwd();

beforeAll(async () => {
  folder = await makeFolder();
  process.chdir(folder.path);
  await folder.write({
    'b.png': '',
    'a.jpg': '',
    'a@2x.jpg': '',
    'a-800w.jpg': '',
    'lonely-800w.png': '',
    'logo.svg': '',
    'notes.txt': '',
    LICENSE: '',
    '.hidden.png': '',
    'sub/C.PNG': '',
    'sub/deep/d.webp': '',
    'sub/deep/d@1.5x.webp': '',
    'sub/.git/e.png': '',
    'sub/node_modules/f.png': '',
    'odd/photo[1].png': '',
    'odd/photo1.png': '',
  });
});

afterAll(async () => {
  process.chdir(start);
  await folder[Symbol.asyncDispose]();
});

const slash = (text: string) => text.split(path.sep).join('/');

async function found(...args: string[]): Promise<string[]> {
  const { inputs } = await collect(args);
  return inputs.map((input) => slash(input.path));
}

describe('a folder', () => {
  test('gives its pictures and those of its folders, sorted, without hidden ones, node_modules and variants', async () => {
    const { inputs, skipped, errors } = await collect(['.']);
    expect(inputs.map((input) => slash(input.path))).toEqual([
      'a.jpg',
      'b.png',
      'lonely-800w.png',
      'odd/photo1.png',
      'odd/photo[1].png',
      'sub/C.PNG',
      'sub/deep/d.webp',
    ]);
    expect(inputs.every(({ named }) => !named)).toBe(true);
    expect(skipped.variants).toBe(3);
    expect(Object.fromEntries(skipped.others)).toEqual({ '': 1, '.svg': 1, '.txt': 1 });
    expect(errors).toEqual([]);
  });

  test('remembers where its files lie below it', async () => {
    const { inputs } = await collect(['sub']);
    expect(inputs.map(({ relative }) => slash(relative))).toEqual(['C.PNG', 'deep/d.webp']);
  });

  test('that was named is read even when it is hidden', async () => {
    expect(await found('sub/.git')).toEqual(['sub/.git/e.png']);
  });

  test('is walked once, however many links lead round', async () => {
    await using tree = await makeFolder();
    await tree.write({ 'x/a.png': '' });
    await symlink(tree.path, tree.join('x', 'up'), 'dir');
    await symlink(tree.join('nowhere'), tree.join('x', 'broken.png'));
    const { inputs, errors } = await collect([tree.path]);
    expect(inputs.map(({ relative }) => slash(relative))).toEqual(['x/a.png']);
    expect(errors).toEqual([]);
  });

  test('without pictures is no error', async () => {
    await using empty = await makeFolder();
    expect(await collect([empty.path])).toMatchObject({ inputs: [], errors: [] });
  });
});

describe('a pattern', () => {
  test('matches as in a shell', async () => {
    expect(await found('*.png')).toEqual(['b.png', 'lonely-800w.png']);
    expect(await found('**/*.{png,webp}')).toEqual([
      'b.png',
      'lonely-800w.png',
      'odd/photo1.png',
      'odd/photo[1].png',
      'sub/deep/d.webp',
    ]);
  });

  test('skips variants and counts other files', async () => {
    const { inputs, skipped } = await collect(['*']);
    expect(inputs.map((input) => input.path)).toEqual(['a.jpg', 'b.png', 'lonely-800w.png']);
    expect(skipped.variants).toBe(2);
    expect(skipped.others.get('.svg')).toBe(1);
  });

  test.each([
    ['sub/**/*.webp', 'deep/d.webp'],
    ['sub/deep/*.webp', 'd.webp'],
    ['./sub/deep/*.webp', 'd.webp'],
    ['{sub/deep,odd}/*.webp', 'sub/deep/d.webp'],
    ['s*/deep/d.webp', 'sub/deep/d.webp'],
  ])('%s keeps the structure below its first wildcard', async (pattern, relative) => {
    const { inputs } = await collect([pattern]);
    expect(inputs.map((input) => slash(input.relative))).toEqual([relative]);
  });

  test('may be absolute', async () => {
    const { inputs } = await collect([`${slash(folder.path)}/sub/**/*.webp`]);
    expect(inputs).toEqual([
      { path: folder.join('sub', 'deep', 'd.webp'), relative: path.join('deep', 'd.webp'), named: false },
    ]);
  });

  test('may lead upwards', async () => {
    process.chdir(folder.join('sub'));
    try {
      expect(await found('../*.png')).toEqual(['../b.png', '../lonely-800w.png']);
    } finally {
      process.chdir(folder.path);
    }
  });

  test('that matches nothing is an error', async () => {
    const { errors } = await collect(['*.avif', 'b.png']);
    expect(errors).toMatchObject([{ code: 'INPUT_NOT_FOUND', message: 'no file matches *.avif' }]);
  });

  test('is a file first, if one has this very name', async () => {
    expect(await found('odd/photo[1].png')).toEqual(['odd/photo[1].png']);
  });
});

describe('a named file', () => {
  test('is taken whatever it is called', async () => {
    expect(await found('notes.txt', 'logo.svg', '.hidden.png', 'lonely-800w.png')).toEqual([
      '.hidden.png',
      'logo.svg',
      'lonely-800w.png',
      'notes.txt',
    ]);
    expect(await found('a@2x.jpg')).toEqual(['a@2x.jpg']);
  });

  test('that is a variant of another named one is skipped: an unquoted *.jpg names both', async () => {
    const { inputs, skipped } = await collect(['a.jpg', 'a@2x.jpg', 'a-800w.jpg']);
    expect(inputs.map((input) => input.path)).toEqual(['a.jpg']);
    expect(skipped.variants).toBe(2);
  });

  test('counts once, however often it is mentioned', async () => {
    expect(await found('b.png', './b.png', folder.join('b.png'), '*.png')).toEqual(['b.png', 'lonely-800w.png']);
  });

  test('that does not exist is an error, and the others are found', async () => {
    const { inputs, errors } = await collect(['nothere.png', 'b.png', 'b.png/c.png']);
    expect(inputs).toHaveLength(1);
    expect(errors).toMatchObject([
      { code: 'INPUT_NOT_FOUND', file: 'nothere.png' },
      { code: 'INPUT_NOT_FOUND', file: 'b.png/c.png' },
    ]);
  });

  test.skipIf(process.platform === 'win32')('that is a device is refused', async () => {
    const { errors } = await collect(['/dev/null']);
    expect(errors).toMatchObject([{ code: 'INPUT_UNREADABLE', message: '/dev/null is neither a file nor a folder' }]);
  });
});

describe('the folder of outputs', () => {
  test('inside an input folder is no input', async () => {
    const { inputs } = await collect(['.', '**/*.webp'], { out: 'sub' });
    expect(inputs.map((input) => slash(input.path))).not.toContain('sub/C.PNG');
    expect(inputs.map((input) => slash(input.path))).toContain('b.png');
  });

  test('is one when an argument leads into it', async () => {
    const { inputs } = await collect(['sub/deep', 'sub/C.PNG'], { out: 'sub' });
    expect(inputs.map((input) => slash(input.path))).toEqual(['sub/C.PNG', 'sub/deep/d.webp']);
  });
});
