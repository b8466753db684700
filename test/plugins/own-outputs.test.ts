import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import gulp from 'gulp';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import upresGulp, { type GulpOptions } from 'upres/gulp';
import upresVite from 'upres/vite';
import { UpresPlugin } from 'upres/webpack';
import { build as viteBuild } from 'vite';
import { makeSite, type Site } from '../asset/support/site.js';
import { upres as command } from '../cli/support/command.js';
import { temporaryFolder } from '../support/folders.js';
import { build, bundlers } from './support/webpack.js';

process.env.UPRES_CACHE_FOLDER = temporaryFolder();
vi.spyOn(process.stdout, 'write').mockReturnValue(true);

let site: Site;
beforeEach(async () => {
  site = makeSite();
  site.file('package.json', '{ "private": true, "type": "module" }');
  mkdirSync(site.path('node_modules'));
  // Gulp, and so its plugin, are about the working folder.
  vi.spyOn(process, 'cwd').mockReturnValue(site.root);
  await site.picture('img/logo.png', 6, 5);
});

const doubled = (): string => site.path('img/logo@2x.png');
const inFolder = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(site.path('img'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'base64')]),
  );

async function runGulp(to: string, options: GulpOptions = {}): Promise<void> {
  const made = gulp
    .src('img/**', { encoding: false, cwd: site.root })
    .pipe(upresGulp({ upscale: [1, 2], model: 'nearest', ...options }))
    .pipe(gulp.dest(to, { cwd: site.root }));
  await new Promise((resolve, reject) => made.on('error', reject).on('finish', resolve));
}

async function runCommand(to: string, ...flags: string[]): Promise<string> {
  const { code, stderr } = await command(['img', '--out', to, '--model', 'nearest', ...flags], {
    cwd: site.root,
    cache: process.env.UPRES_CACHE_FOLDER!,
  });
  return code === 0 ? '' : stderr;
}

/** What writes larger pictures next to their sources. */
const makers: Record<string, () => Promise<unknown>> = {
  command: () => runCommand('img', '--upscale', '2'),
  Gulp: () => runGulp('img'),
  'Gulp without a cache': () => runGulp('img', { cache: false }),
  'Gulp with a cache of its own': () => runGulp('img', { cache: 'kept' }),
};

/** What delivers `logo@2x.png`: the bytes of it. */
const users: Record<string, () => Promise<Buffer>> = {
  Gulp: async () => {
    await runGulp('dist');
    return readFileSync(site.path('dist/logo@2x.png'));
  },
  Vite: async () => {
    site.file('main.js', "import url from './img/logo.png?upscale=2';\nexport default url;\n");
    await viteBuild({
      root: site.root,
      logLevel: 'silent',
      plugins: [upresVite({ model: 'nearest' })],
      build: { assetsInlineLimit: 0, rolldownOptions: { input: site.path('main.js') }, minify: false },
    });
    return onlyPicture(site.path('dist/assets'));
  },
  webpack: () => pack('webpack'),
  Rspack: () => pack('rspack'),
};

async function pack(name: keyof typeof bundlers): Promise<Buffer> {
  site.file('main.js', "import url from './img/logo.png?upscale=2';\nconsole.log(url);\n");
  const { errors } = await build(bundlers[name], {
    mode: 'production',
    context: site.root,
    entry: './main.js',
    infrastructureLogging: { level: 'none' },
    output: { path: site.path('dist'), clean: true },
    plugins: [new UpresPlugin({ model: 'nearest' })],
  });
  expect(errors).toEqual([]);
  return onlyPicture(site.path('dist'));
}

function onlyPicture(folder: string): Buffer {
  const names = readdirSync(folder).filter((name) => name.endsWith('.png'));
  expect(names).toHaveLength(1);
  return readFileSync(join(folder, names[0]!));
}

describe.each(Object.entries(makers))('in place, by %s', (_, make) => {
  it('runs again give the same files', async () => {
    await site.picture('img/icon@2x.png', 8, 8, 3);
    await site.picture('img/sub/photo.jpg', 8, 6, 4);
    await make();
    const first = inFolder();
    expect(Object.keys(first)).toContain(doubled());
    expect(Object.keys(first).length).toBeGreaterThanOrEqual(5);
    for (let run = 0; run < 4; run++) await make();
    expect(inFolder()).toEqual(first);
  });

  it('what was made of a source that has changed is made anew', async () => {
    await make();
    const old = readFileSync(doubled());
    await site.picture('img/logo.png', 6, 5, 2);
    await make();
    const anew = readFileSync(doubled());
    expect(anew.equals(old)).toBe(false);
    rmSync(doubled());
    await make();
    expect(readFileSync(doubled()).equals(anew)).toBe(true);
  });
});

const pairs = Object.entries(makers).flatMap(([maker, make]) =>
  Object.entries(users).map(([user, use]) => [maker, user, make, use] as const),
);

describe.each(pairs)('next to a source, by %s, for %s', (_maker, _user, make, use) => {
  it('is no picture made by hand, until someone edits it', async () => {
    await make();
    const old = readFileSync(doubled());
    await site.picture('img/logo.png', 6, 5, 2);
    const delivered = await use();
    expect(delivered.equals(old)).toBe(false);
    rmSync(doubled());
    expect((await use()).equals(delivered)).toBe(true);

    await make();
    const edited = readFileSync(await site.picture('img/logo@2x.png', 12, 10, 9));
    expect((await use()).equals(edited)).toBe(true);
  });
});

describe('a picture made by hand', () => {
  it.each(Object.entries(users))('is what %s delivers', async (_, use) => {
    const made = readFileSync(await site.picture('img/logo@2x.png', 12, 10, 9));
    expect((await use()).equals(made)).toBe(true);
    expect((await use()).equals(made)).toBe(true);
  });

  it('is neither source nor lost where Gulp has other options', async () => {
    const made = readFileSync(await site.picture('img/logo@2x.png', 12, 10, 9));
    await runGulp('dist', { upscale: [1, 3] });
    expect(readdirSync(site.path('dist')).sort()).toEqual(['logo.png', 'logo@2x.png', 'logo@3x.png']);
    expect(readFileSync(site.path('dist/logo@2x.png')).equals(made)).toBe(true);
  });

  it('is not written over by the command', async () => {
    const made = readFileSync(await site.picture('img/logo@2x.png', 12, 10, 9));
    expect(await runCommand('img', '--upscale', '2')).toContain('OUTPUT_EXISTS');
    expect(readFileSync(doubled()).equals(made)).toBe(true);
  });
});

describe('outputs in other formats, in place', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['Gulp', () => runGulp('img', { format: 'webp' })],
    ['Gulp with several formats', () => runGulp('img', { format: ['webp', 'png'] })],
    [
      'Gulp with a least width',
      () => runGulp('img', { upscale: undefined, minWidth: 20, format: ['webp', 'png'] } as unknown as GulpOptions),
    ],
    ['the command', () => runCommand('img', '--upscale', '2', '--format', 'webp')],
  ])('are no sources for %s', async (_, make) => {
    await make();
    const first = inFolder();
    expect(Object.keys(first).length).toBeGreaterThan(1);
    for (let run = 0; run < 3; run++) await make();
    expect(inFolder()).toEqual(first);
  });
});

it('an output of earlier options passes, where nothing takes its name', async () => {
  await runGulp('img');
  await runGulp('dist', { upscale: [1, 3] });
  expect(readdirSync(site.path('dist')).sort()).toEqual(['logo.png', 'logo@2x.png', 'logo@3x.png']);
});

it('the copy of a source that stood in after an error is no picture made by hand', async () => {
  site.file('img/logo@2x.png', readFileSync(site.path('img/logo.png')));
  await runGulp('dist');
  expect(readFileSync(site.path('dist/logo@2x.png')).equals(readFileSync(site.path('img/logo.png')))).toBe(false);
});

it('the record lies in the project’s cache', async () => {
  await runGulp('img', { cache: false });
  expect(existsSync(site.path('node_modules/.cache/upres/outputs.txt'))).toBe(true);
});
