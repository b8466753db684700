import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import * as esbuild from 'esbuild';
import sharp from 'sharp';
import upres, { type UpresEsbuildOptions } from 'upres/esbuild';
import { describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';
import { cases, refused } from './cases.js';
import { urlsIn } from './support/value.js';
import { coreBytes, evaluate, makeSite, type Site } from './support/vite-site.js';

const cache = temporaryFolder();

interface Built {
  /** Names relative to the folder of the output, in alphabetical order. */
  readonly names: string[];
  readonly warnings: string[];
  readonly bytes: (url: string) => Uint8Array;
  readonly text: (name: string) => string;
}

type Options = UpresEsbuildOptions & { readonly esbuild?: esbuild.BuildOptions };

function configOf(site: Site, { esbuild: more, ...own }: Options = {}): esbuild.BuildOptions {
  return {
    absWorkingDir: site.folder,
    entryPoints: ['main.js'],
    outdir: 'dist',
    bundle: true,
    format: 'esm',
    logLevel: 'silent',
    plugins: [upres({ cache, ...own })],
    ...more,
  };
}

async function build(site: Site, options?: Options): Promise<Built> {
  const result = await esbuild.build({ ...configOf(site, options), write: false });
  const files = new Map(result.outputFiles.map((file) => [relative(site.path('dist'), file.path), file]));
  return {
    names: [...files.keys()].sort(),
    warnings: result.warnings.map(({ text }) => text),
    bytes: (url) => files.get(url.replace(/^(?:\.\/|\/static\/)/, ''))!.contents,
    text: (name) => files.get(name)!.text,
  };
}

const unhashed = (names: readonly string[]): string[] => names.map((name) => name.replace(/-[A-Z0-9]{8}(?=\.)/, ''));

async function expectFiles(site: Site, built: Built, urls: readonly string[], one: (typeof cases)[number]) {
  const core = await coreBytes(site, one.source, one.query);
  for (const [i, file] of one.files.entries()) {
    const bytes = built.bytes(urls[i]!);
    const { width, height, format } = await sharp(bytes).metadata();
    expect({ width, height, format }).toEqual(file);
    expect(Buffer.compare(bytes, core.get(`${width} ${format}`)!), `${urls[i]!} differs from the core's`).toBe(0);
  }
}

it('gives imports what their queries ask for, with the core’s bytes, under names and paths of esbuild’s own', async () => {
  const site = await makeSite({
    'main.js': `${cases.map(({ source, query }, i) => `import v${i} from './${source}?${query}';`).join('\n')}
      export default [${cases.map((_, i) => `v${i}`).join()}];`,
  });
  const built = await build(site, { esbuild: { publicPath: '/static/', assetNames: 'img/[dir]/[name]-[hash]' } });
  const values = (await evaluate(built.text('main.js'))) as unknown[];
  for (const [index, one] of cases.entries()) {
    const urls = urlsIn(values[index], one.value);
    expect(urls, JSON.stringify(values[index])).toHaveLength(one.files.length);
    for (const url of urls!) expect(url).toMatch(/^\/static\/img\//);
    await expectFiles(site, built, urls!, one);
  }
  expect(unhashed(built.names).sort()).toEqual([
    'img/drawing-200w.webp',
    'img/drawing-240w.png',
    'img/drawing.png',
    'img/drawing@2x.png',
    'img/drawing@3x.png',
    'img/icon@2x.png',
    'img/icon@4x.png',
    'img/logo.png',
    'img/logo.webp',
    'img/logo@1.5x.png',
    'img/logo@2x.png',
    'img/logo@2x.webp',
    'img/photo-320w.jpg',
    'main.js',
  ]);
  expect(built.text('main.js')).not.toContain(site.folder);
});

describe('CSS', () => {
  it('gets files in url() and image-set(), behind @import, too', async () => {
    const inCss = cases.filter(({ value }) => value === '{0}');
    const site = await makeSite({
      'main.css': `@import './deep/more.css';
        ${inCss.map(({ source, query }, i) => `.c${i} { background: url("./${source}?${query}") }`).join('\n')}
        .set { background: image-set("logo.png?upscale=2" 1x, url(logo.png?upscale=3#x) 2x) }
        /* image-set("nowhere.png?upscale=2" 1x) */`,
      'deep/more.css': `.deep { mask: url('../logo.png?upscale=4') }`,
    });
    const built = await build(site, { esbuild: { entryPoints: ['main.css'] } });
    const css = built.text('main.css');
    for (const [i, one] of inCss.entries()) {
      const url = new RegExp(`\\.c${i} \\{\\s*background: url\\("?([^")]+)`).exec(css)![1]!;
      await expectFiles(site, built, [url], one);
    }
    const [set] = /image-set\([^;]+/.exec(css)!;
    expect(set.replace(/-[A-Z0-9]{8}(?=\.)/g, '')).toMatch(
      /image-set\(\s*url\("?\.\/logo@2x\.png"?\) 1x,\s*url\("?\.\/logo@3x\.png#x"?\) 2x\)/,
    );
    expect(css).toMatch(/mask: url\("?\.\/logo@4x-/);
  });

  it('takes one file only', async () => {
    const site = await makeSite({ 'main.css': `p { background: url(logo.png?upscale=1;2&as=srcset) }` });
    await expect(build(site, { esbuild: { entryPoints: ['main.css'] } })).rejects.toThrow('as=srcset is for imports');
  });
});

it('makes one file of what JavaScript and CSS ask for, and two of two networks', async () => {
  const site = await makeSite({
    'main.js': `import './main.css'; import a from './logo.png?upscale=2&model=art'; import b from './logo.png?upscale=2&model=nearest';
      import set from './logo.png?upscale=1;2&model=art&as=srcset'; export default [a, b, set];`,
    'main.css': `p { background: url(logo.png?upscale=2&model=art) }`,
  });
  const built = await build(site, { esbuild: { assetNames: '[dir]/[name]-[hash]' } });
  const [art, nearest, set] = (await evaluate(built.text('main.js'))) as string[];
  expect(art).not.toBe(nearest);
  expect(set).toContain(`${art!} 2x`);
  expect(built.text('main.css')).toContain(art);
  expect(unhashed(built.names).sort()).toEqual(['logo.png', 'logo@2x.png', 'logo@2x.png', 'main.css', 'main.js']);
});

it('leaves a picture of the same name alone', async () => {
  const site = await makeSite({
    'main.js': `import plain from './photo.png'; import made from './photo.jpg?upscale=1&format=png'; export default [plain, made];`,
  });
  await site.copy('text.png', 'photo.png');
  const built = await build(site, { esbuild: { loader: { '.png': 'file' } } });
  const [plain, made] = (await evaluate(built.text('main.js'))) as string[];
  expect(Buffer.compare(built.bytes(plain!), readFileSync(site.path('photo.png')))).toBe(0);
  expect(await sharp(built.bytes(made!)).metadata()).toMatchObject({ width: 320, format: 'png' });
});

it('puts images into the bundle where the configuration says so', async () => {
  const site = await makeSite({ 'main.js': `export { default } from './logo.png?upscale=1;2&as=srcset';` });
  const built = await build(site, { esbuild: { loader: { '.png': 'dataurl' } } });
  expect(await evaluate(built.text('main.js'))).toMatch(
    /^data:image\/png;base64,\S+ 1x, data:image\/png;base64,\S+ 2x$/,
  );
});

it('follows aliases and packages', async () => {
  const site = await makeSite({
    'main.js': `import a from '@img/logo.png?upscale=2'; import b from 'pictures/logo.png?upscale=3'; export default [a, b];`,
    'node_modules/pictures/package.json': '{ "name": "pictures" }',
  });
  await site.copy('palette.png', 'node_modules/pictures/logo.png');
  const built = await build(site, { esbuild: { alias: { '@img': site.folder } } });
  const [a, b] = (await evaluate(built.text('main.js'))) as string[];
  expect(await sharp(built.bytes(a!)).metadata()).toMatchObject({ width: 20 });
  expect(await sharp(built.bytes(b!)).metadata()).toMatchObject({ width: 30 });
});

describe('errors', () => {
  it.each(refused)('refuses ?$query', async ({ query, words }) => {
    const site = await makeSite({ 'main.js': `export { default } from './logo.png?${query}';` });
    await expect(build(site)).rejects.toThrow(words);
    await expect(build(site)).rejects.toThrow(`logo.png?${query}`);
  });

  it('names an image that is not there', async () => {
    const site = await makeSite({ 'main.js': `export { default } from './nowhere.png?upscale=2';` });
    await expect(build(site)).rejects.toThrow('nowhere.png?upscale=2');
  });

  it('does with a damaged image what onError says', async () => {
    const site = await makeSite({ 'main.js': `export { default } from './broken.jpg?upscale=2';` });
    await site.write('broken.jpg', readFileSync(site.path('photo.jpg')).subarray(0, 5000));
    await expect(build(site)).rejects.toThrow('broken.jpg');
    const built = await build(site, { onError: 'original' });
    const url = (await evaluate(built.text('main.js'))) as string;
    expect(Buffer.from(built.bytes(url))).toEqual(readFileSync(site.path('broken.jpg')));
    expect(built.warnings.join()).toContain('broken.jpg');
  });

  it('finds directives that nothing read, in memory and on disk', async () => {
    const site = await makeSite({ 'main.js': `export default new URL('./logo.png?upscale=2', import.meta.url);` });
    await expect(build(site)).rejects.toThrow('"./logo.png?upscale=2" is still in dist/main.js');
    await expect(esbuild.build(configOf(site))).rejects.toThrow('is still in dist/main.js');
    expect((await build(site, { leftovers: 'warn' })).warnings.join()).toContain('logo.png?upscale=2');
    expect((await build(site, { leftovers: 'ignore' })).warnings).toEqual([]);
    await site.write('main.js', `export default new URL('./elsewhere.png?upscale=2', import.meta.url);`);
    expect((await build(site)).warnings).toEqual([]);
    // Of what is put together at run time, the folder is all that is known.
    const template = '`./${globalThis.name}.png?upscale=2`';
    await site.write('main.js', `export default [new URL(${template}, import.meta.url)];`);
    await expect(build(site)).rejects.toThrow('"./${globalThis.name}.png?upscale=2" is still in dist/main.js');
    await site.write('main.js', `export default [${template.replace('./', '/')}, ${template.replace('./', 'else/')}];`);
    expect((await build(site)).warnings).toEqual([]);
  });

  it('refuses options that do not exist', () => {
    // @ts-expect-error a misspelt name
    expect(() => upres({ qualty: 80 })).toThrow('Did you mean "quality"?');
  });
});

it('makes again what changed, and takes a picture made by hand as soon as it is there', async () => {
  const site = await makeSite({ 'main.js': `export { default } from './logo.png?upscale=1;2&as=srcset';` });
  let wake: () => void = () => undefined;
  let latest: esbuild.BuildResult | undefined;
  const tell: esbuild.Plugin = {
    name: 'tell',
    setup(one) {
      one.onEnd((result) => {
        latest = result;
        wake();
      });
    },
  };
  const config = configOf(site);
  const context = await esbuild.context({ ...config, plugins: [...config.plugins!, tell] });
  const next = async (previous?: string): Promise<string> => {
    for (;;) {
      if (latest?.errors.length === 0) {
        const text = (await evaluate(readFileSync(site.path('dist/main.js'), 'utf8'))) as string;
        if (text !== previous) return text;
      }
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  try {
    await context.watch();
    const first = await next();
    await site.copy('text.png', 'logo.png');
    const second = await next(first);
    await site.copy('clipart-icon.png', 'logo@2x.png');
    const third = await next(second);
    const large = /(\S+) 2x$/.exec(third)![1]!;
    expect(readFileSync(site.path(`dist/${large}`))).toEqual(readFileSync(site.path('logo@2x.png')));
    // A half-written file is an error until it is mended.
    await site.write('logo.png', readFileSync(site.path('photo.jpg')).subarray(0, 60));
    await site.copy('palette.png', 'logo.png');
    const fourth = await next(third);
    expect(fourth).toContain(large);
  } finally {
    await context.dispose();
  }
});

it('lets the process end by itself', async () => {
  const site = await makeSite({ 'main.js': `export { default } from './logo.png?upscale=2';` });
  await site.write(
    'build.mjs',
    `import { build } from ${JSON.stringify(import.meta.resolve('esbuild'))};
     import upres from ${JSON.stringify(import.meta.resolve('upres/esbuild'))};
     await build({ absWorkingDir: ${JSON.stringify(site.folder)}, entryPoints: ['main.js'], outdir: 'dist', bundle: true,
       plugins: [upres({ cache: false })] });`,
  );
  expect(await runChild(site.path('build.mjs'), [])).toMatchObject({ code: 0 });
});
