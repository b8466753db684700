import { rolldown } from 'rolldown';
import { rollup } from 'rollup';
import { describe, expect, it } from 'vitest';
import upres from 'upres/vite';
import { build, bundling, evaluate, makeSite, vites } from './support/vite-site.js';

const script = '<script type="module" src="/main.js"></script>';
const unhashed = (text: string): string => text.replace(/-[\w-]{8}(?=\.)/g, '');

describe.for(vites)('with Vite $version, a project’s own configuration holds:', (vite) => {
  it.for(['/', '/deep/site/', './', 'https://cdn.example/site/'])('base %s', async (base) => {
    const site = await makeSite({
      'index.html': `<!doctype html><img alt="" src="logo.png?upscale=2">${script}`,
      'main.js': `import './a.css'; import url from './logo.png?upscale=3'; console.log(url);`,
      'a.css': 'p { background: url(logo.png?upscale=4) }',
    });
    const built = await build(site, { vite, config: { base } });
    const inCss = base === './' ? './' : `${base}assets/`;
    expect(unhashed(built.text('.html'))).toContain(`src="${base}assets/logo@2x.png"`);
    expect(unhashed(built.text('.css'))).toMatch(new RegExp(`url\\("?${inCss}logo@4x\\.png`));
    expect(unhashed(built.text('.js'))).toContain(
      base === './' ? 'new URL("logo@3x.png", import.meta.url).href' : `"${base}assets/logo@3x.png"`,
    );
  });

  it('assetsInlineLimit, for images that stand alone', async () => {
    const site = await makeSite({
      'index.html': `<!doctype html><img alt="" src="logo.png?upscale=2"><img alt="" srcset="logo.png?upscale=2 2x"><link rel="stylesheet" href="/a.css">`,
      'main.js': `import one from './logo.png?upscale=2'; import list from './logo.png?upscale=1;2&as=srcset';
        import large from './photo.jpg?upscale&minWidth=300'; import asked from './drawing.png?upscale&minWidth=100&inline';
        import refused from './logo.png?upscale=2&no-inline'; export default { one, list, large, asked, refused };`,
      'a.css': `p { background: url(logo.png?upscale=2) } q { background: image-set('logo.png?upscale=2' 2x) }`,
    });
    const entries = bundling(vite, {
      preserveEntrySignatures: 'strict',
      input: [site.path('index.html'), site.path('main.js')],
      output: { entryFileNames: '[name].js' },
    });
    const seen: string[] = [];
    const config = { build: { assetsInlineLimit: 4096, ...entries } };
    const built = await build(site, { vite, config });
    const { one, list, large, asked, refused } = (await evaluate(built.text('main.js'))) as Record<string, string>;
    const data = /^data:image\/png;base64,/;
    expect([one, asked]).toEqual([expect.stringMatching(data), expect.stringMatching(data)]);
    expect([large, refused].map((url) => unhashed(url!))).toEqual(['/assets/photo-320w.jpg', '/assets/logo@2x.png']);
    expect(unhashed(list!)).toBe('/assets/logo.png 1x, /assets/logo@2x.png 2x');
    expect(unhashed(built.text('.html'))).toContain('srcset="/assets/logo@2x.png 2x"');
    expect(built.text('.html')).toContain('src="data:image/png;base64,');
    expect(unhashed(built.text('.css'))).toMatch(
      /p \{ background: url\("data:image\/png;base64,.*"\/assets\/logo@2x\.png" 2x/s,
    );
    const byFunction = (file: string): boolean => {
      seen.push(file);
      return false;
    };
    await build(site, { vite, config: { build: { ...config.build, assetsInlineLimit: byFunction } } });
    expect(seen).toContain(site.path('logo.png'));
  });

  it('library mode, which has no files next to it', async () => {
    const site = await makeSite({ 'main.js': `export { default } from './logo.png?upscale=1;2&as=img';` });
    const config = { build: { lib: { entry: site.path('main.js'), formats: ['es' as const], fileName: 'library' } } };
    const built = await build(site, { vite, config });
    expect([...built.files.keys()]).toEqual(['library.js']);
    expect(await evaluate(built.text('library.js'))).toEqual({
      src: expect.stringMatching(/^data:image\/png;base64,/) as string,
      srcset: expect.stringMatching(/^data:\S+ 1x, data:\S+ 2x$/) as string,
      width: 10,
      height: 10,
    });
  });

  it('public/, whose images become assets where they carry directives', async () => {
    const site = await makeSite({
      'index.html': `<!doctype html><img alt="" src="/badge.png?upscale=2"><img alt="" src="/badge.png">${script}`,
      'main.js': `import './a.css'; import url from '/badge.png?upscale=4'; console.log(url);`,
      'a.css': 'p { background: url(/badge.png?upscale=3) }',
    });
    await site.copy('palette.png', 'public/badge.png');
    const built = await build(site, { vite });
    expect(unhashed(built.text('.html'))).toContain('src="/assets/badge@2x.png"><img alt="" src="/badge.png"');
    expect(unhashed(built.text('.css'))).toContain('/assets/badge@3x.png');
    expect(unhashed(built.text('.js'))).toContain('/assets/badge@4x.png');
  });

  it('assetFileNames and the manifest', async () => {
    const site = await makeSite({
      'index.html': `<!doctype html>${script}`,
      'main.js': `import url from './logo.png?upscale=2'; import set from './logo.png?upscale=1;3&as=srcset'; console.log(url, set);`,
    });
    const built = await build(site, {
      vite,
      config: {
        build: { manifest: true, ...bundling(vite, { output: { assetFileNames: 'img/[name].[hash][extname]' } }) },
      },
    });
    const manifest = JSON.parse(built.text('manifest.json')) as Record<string, { file: string }>;
    // As the author wrote them, so that other programs find them, such as `Vite::asset('logo.png?upscale=2')` of Laravel.
    expect(manifest['logo.png?upscale=2']!.file).toMatch(/^img\/logo@2x\.[\w-]{8}\.png$/);
    expect(manifest['logo.png?upscale=3']!.file).toMatch(/^img\/logo@3x\.[\w-]{8}\.png$/);
  });

  const marker = `const own = { postcssPlugin: 'own', Declaration(d) { if (d.prop === 'color') d.value = 'rebeccapurple' } };`;
  const configs: Record<string, Record<string, string>> = {
    'a list in a module': { 'postcss.config.js': `${marker} export default { plugins: [own] };` },
    'a function in CommonJS': {
      'postcss.config.cjs': `${marker} module.exports = (context) => ({ plugins: [context.env && own] });`,
    },
    'names in package.json': {
      'package.json': JSON.stringify({
        name: 'site',
        type: 'module',
        postcss: { plugins: { './own.cjs': { a: 1 }, './off.cjs': false } },
      }),
      'own.cjs': `module.exports = () => { ${marker} return own; };`,
    },
    'YAML in .postcssrc.yaml': {
      '.postcssrc.yaml': 'plugins:\n  ./own.cjs: {}\n',
      'own.cjs': `${marker} module.exports = Object.assign(() => own, { postcss: true });`,
    },
    'JSON in .postcssrc': {
      '.postcssrc': '{ "plugins": { "./own.cjs": {} } }',
      'own.cjs': `${marker} module.exports = Object.assign(() => own, { postcss: true });`,
    },
    TypeScript: { 'postcss.config.ts': `${marker} export default { plugins: [own] } satisfies object;` },
  };
  it.for(Object.entries(configs))('PostCSS as %s', async ([, files]) => {
    const site = await makeSite({
      'index.html': '<!doctype html><style>p { color: red; background: url(logo.png?upscale=2) }</style>',
      ...files,
    });
    const html = unhashed((await build(site, { vite })).text('.html'));
    expect(html).toMatch(/rebeccapurple|#639/);
    expect(html).toContain('/assets/logo@2x.png');
  });

  it('PostCSS in Vite’s own options, or in another folder', async () => {
    const files = {
      'index.html': '<!doctype html><style>p { color: red; background: url(logo.png?upscale=2) }</style>',
    };
    const own = {
      postcssPlugin: 'own',
      Declaration: (d: { prop: string; value: string }) => {
        if (d.prop === 'color') d.value = 'rebeccapurple';
      },
    };
    const inline = unhashed(
      (await build(await makeSite(files), { vite, config: { css: { postcss: { plugins: [own] } } } })).text('.html'),
    );
    expect(inline).toMatch(/(?=.*(?:rebeccapurple|#639)).*logo@2x\.png/s);
    const site = await makeSite({
      ...files,
      'settings/postcss.config.mjs': `${marker} export default { plugins: [own] };`,
    });
    const elsewhere = unhashed(
      (await build(site, { vite, config: { css: { postcss: site.path('settings') } } })).text('.html'),
    );
    expect(elsewhere).toMatch(/(?=.*(?:rebeccapurple|#639)).*logo@2x\.png/s);
  });

  it('Lightning CSS in PostCSS’s place', async () => {
    const site = await makeSite({
      'index.html': `<!doctype html><p style="background: url(logo.png?upscale=5)"></p>${script}`,
      'main.js': `import './a.css';`,
      'a.css': `@import './deep/b.css'; .a { background: url(logo.png?upscale=2) }`,
      'deep/b.css': `.b { background: url(../logo.png?upscale=3) } @media print { .c { background: url(../logo.png?upscale=1;2&as=srcset) } }`,
    });
    const built = await build(site, { vite, config: { css: { transformer: 'lightningcss' } } });
    const css = unhashed(built.text('.css'));
    for (const name of ['logo@2x', 'logo@3x']) expect(css).toMatch(new RegExp(`url\\("?/assets/${name}\\.png`));
    expect(css).toMatch(/image-set\(.*\/assets\/logo\.png.*1x, .*\/assets\/logo@2x\.png.*2x/);
    expect(unhashed(built.text('.html'))).toContain('/assets/logo@5x.png');
  });

  it('candidates of an image-set() by Lightning CSS', async () => {
    const site = await makeSite({
      'index.html': `<!doctype html>${script}`,
      'main.js': `import './a.css';`,
      'a.css': `.a { background-image: image-set(url(logo.png) 1x, url('logo.png?upscale=2') 2x);
        --b: image-set("logo.png?upscale=3" 2x); background: image-set("logo.png?upscale=4" var(--c)) }`,
    });
    const built = await build(site, { vite, config: { css: { transformer: 'lightningcss' } } });
    const css = unhashed(built.text('.css'));
    expect(css).toMatch(/image-set\(.*logo\.png.*1x, .*\/assets\/logo@2x\.png.*2x/);
    // Where it can't read a value, the visitor is shown tokens.
    expect(css).toMatch(/--b: image-set\("\/assets\/logo@3x\.png" 2/);
    expect(css).toMatch(/background: image-set\("\/assets\/logo@4x\.png" var\(--c\)\)/);
  });
});

it('in Rollup and Rolldown, says what to take instead', async () => {
  const input = { input: 'virtual', plugins: [upres() as never], logLevel: 'silent' as const };
  await expect(rollup(input)).rejects.toThrow('upres/vite is for Vite, and this is Rollup: take upres/rollup');
  await expect(rolldown(input).then((bundle) => bundle.generate())).rejects.toThrow('this is Rolldown');
});
