import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { cases, refused, sources, type Case } from '../plugins/cases.js';
import { urlsIn } from '../plugins/support/value.js';
import { coreOptions, gulpOptions } from './support/directives.js';
import { Project } from './support/project.js';
import { configurations, typedFiles } from './support/user-files.js';

const project = new Project();
/** Cases that are one URL, as CSS takes them. */
const inCss = cases.filter(({ value }) => value === '{0}');

beforeAll(async () => {
  for (const [name, sample] of Object.entries(sources)) project.copy(sample, `src/${name}`);
  for (const [name, text] of Object.entries({ ...configurations, ...typedFiles })) project.write(name, text);
  const imports = cases.map(({ source, query }, i) => `import v${i} from './${source}?${query}';`);
  project.write(
    'src/main.js',
    `${imports.join('\n')}\nimport './style.css';\nglobalThis.values = [${cases.map((_, i) => `v${i}`).join(', ')}];\n`,
  );
  project.write(
    'src/style.css',
    inCss.map(({ source, query }, i) => `.c${i} { background-image: url("./${source}?${query}") }`).join('\n'),
  );
  project.write('src/index.html', '<!doctype html><title>Site</title><script type="module" src="main.js"></script>');
  const gulp = cases.map((one) => ({ source: one.source, options: gulpOptions(one) }));
  const core = await Promise.all(
    cases.map(async (one) => {
      const { width } = await sharp(project.path('src', one.source)).metadata();
      return { source: one.source, options: coreOptions(one, width) };
    }),
  );
  project.write('cases.json', JSON.stringify({ gulp, core }));
  await project.install([
    'vite',
    'webpack',
    'css-loader',
    'mini-css-extract-plugin',
    'gulp',
    'typescript',
    '@types/node',
    '@types/gulp',
  ]);
  await project.run(process.execPath, 'core.js');
});

/** Checks that a file is the one that a case names, byte for byte what the packed core makes. */
async function expectCoreFile(path: string, one: Case, index: number): Promise<void> {
  const bytes = readFileSync(path);
  const { width, height, format } = await sharp(bytes).metadata();
  expect({ width, height, format }, path).toEqual(one.files[index]);
  const source = readFileSync(project.path('src', one.source));
  const original = await sharp(source).metadata();
  // What needs nothing done is the source as it is; the core would encode it once more.
  const untouched = original.width === width && original.format === format;
  const core = untouched ? source : readFileSync(project.path(`out/core/${cases.indexOf(one)}-${index}`));
  expect(Buffer.compare(bytes, core), `${path} differs from the core's`).toBe(0);
}

/** Checks what the bundle of a site with all cases gives, in JavaScript and in CSS. */
async function expectBundle(folder: string, script: string, style: string): Promise<void> {
  project.write('print.js', `await import('./${folder}/${script}');\nconsole.log(JSON.stringify(values));\n`);
  const values = (await project.evaluate('print.js')) as unknown[];
  for (const [index, one] of cases.entries()) {
    const urls = urlsIn(values[index], one.value);
    expect(urls, JSON.stringify(values[index])).toHaveLength(one.files.length);
    for (const [i, url] of urls!.entries()) await expectCoreFile(project.path(folder, url), one, i);
  }
  const css = readFileSync(project.path(folder, style), 'utf8');
  const urls = [...css.matchAll(/url\(["']?([^"')]+)["']?\)/g)].map(([, url]) => url!);
  expect(urls).toHaveLength(inCss.length);
  for (const [i, one] of inCss.entries()) await expectCoreFile(project.path(folder, urls[i]!), one, 0);
}

const found = (folder: string, ending: string): string =>
  readdirSync(project.path(folder)).find((name) => name.endsWith(ending))!;

describe('the packed package makes of every case what its core makes', () => {
  it('with Vite', async () => {
    const { stdout } = await project.run('npx', 'vite', 'build');
    expect(stdout).toContain('logo@2x');
    const [script, style] = ['.js', '.css'].map((ending) => found('out/vite/assets', ending));
    await expectBundle('out/vite', `assets/${script!}`, `assets/${style!}`);
    expect(existsSync(project.path('node_modules/.cache/upres'))).toBe(true);
  });

  it('with webpack', async () => {
    const { stderr } = await project.run(process.execPath, 'build-with-webpack.cjs');
    expect(stderr).not.toMatch(/Warning|<w>/);
    await expectBundle('out/webpack', 'main.js', 'main.css');
    // Only where it finds all that its loaders import: packages that few need are not installed here.
    expect(existsSync(project.path('out/webpack-cache/default-production/index.pack'))).toBe(true);
  });

  it('with Gulp', async () => {
    const { stdout } = await project.run('npx', 'gulp');
    expect(stdout).toContain('Finished');
    for (const [index, one] of cases.entries()) {
      const folder = project.path('out/gulp', String(index));
      const names = readdirSync(folder);
      expect(names).toHaveLength(one.files.length);
      for (const name of names) {
        const { width, format } = await sharp(join(folder, name)).metadata();
        const i = one.files.findIndex((file) => file.width === width && file.format === format);
        await expectCoreFile(join(folder, name), one, i);
      }
    }
  });
});

describe('the packed package', () => {
  it.each([
    ['nodenext', 'tsconfig.json'],
    ['node10', 'tsconfig.node10.json'],
  ])('has types for all of its entries by the resolution %s', async (resolution, configuration) => {
    const { stdout } = await project.complain('npx', 'tsc', '-p', configuration, '--listFiles');
    const lines = stdout.split('\n');
    for (const name of [
      'client',
      'dist/index',
      'dist/plugins/vite/index',
      'dist/plugins/webpack/index',
      'dist/plugins/rollup/index',
      'dist/plugins/esbuild/index',
      'dist/plugins/next/index',
      'dist/plugins/gulp/index',
      'dist/plugins/astro/index',
      'dist/plugins/imagetools/index',
      'dist/server/index',
    ]) {
      expect(lines).toContain(project.path('node_modules/upres', `${name}.d.ts`));
    }
    // Other packages' declarations have errors of their own; fastify is not installed here, and Vite itself has no types by "node10".
    const ours = lines.filter((line) => /^(?:typed|node_modules\/upres)\//.test(line));
    const absent = resolution === 'node10' ? /Cannot find module '(?:fastify|vite)'/ : /Cannot find module 'fastify'/;
    expect(ours.filter((line) => !absent.test(line))).toEqual([]);
  });

  it('can be required, all of its entries', async () => {
    const { stdout } = await project.run(process.execPath, 'required.cjs');
    expect(stdout.trim().split('\n')).toEqual([
      'function function',
      'function function function function function',
      'function',
    ]);
  });
});

describe('a build that fails names the file and ends', () => {
  const { query, words } = refused[0]!;

  it.each([
    ['Vite', 'npx', ['vite', 'build']],
    ['webpack', process.execPath, ['build-with-webpack.cjs']],
  ])('with %s', async (_, command, args) => {
    project.write('src/main.js', `import './logo.png?${query}';`);
    const { failed, stderr } = await project.complain(command, ...args);
    expect(failed).toBe(true);
    expect(stderr).toContain(`logo.png?${query}`);
    expect(stderr).toContain(words);
  });

  it('with Gulp', async () => {
    project.write('src/broken.png', 'This is no picture.');
    project.write('cases.json', JSON.stringify({ gulp: [{ source: 'broken.png', options: { upscale: 2 } }] }));
    const { failed, stdout, stderr } = await project.complain('npx', 'gulp');
    expect(failed).toBe(true);
    expect(stdout + stderr).toContain('broken.png');
    expect(stdout + stderr).toContain('not an image');
  });
});
