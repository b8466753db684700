import sharp from 'sharp';
import type { Plugin } from 'vite';
import { describe, expect, it } from 'vitest';
import { cases, refused } from './cases.js';
import { urlsIn } from './support/value.js';
import {
  build,
  bundling,
  configOf,
  coreBytes,
  evaluate,
  makeSite,
  vites,
  type Built,
  type Site,
} from './support/vite-site.js';

const script = '<script type="module" src="/main.js"></script>';
const page = `<!doctype html>${script}`;

const utf16 = (text: string, encoding: 'utf16le' | 'utf16be'): Uint8Array => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return encoding === 'utf16le' ? bytes : bytes.swap16();
};

/** That the files behind URLs are what the case says, byte by byte the core's. */
async function expectFiles(
  site: Site,
  built: Built,
  urls: readonly string[],
  { source, query, files }: (typeof cases)[number],
) {
  const core = await coreBytes(site, source, query);
  for (const [index, file] of files.entries()) {
    const bytes = built.bytes(urls[index]!);
    const { width, height, format } = await sharp(bytes).metadata();
    expect({ width, height, format }).toEqual(file);
    expect(Buffer.compare(bytes, core.get(`${width} ${format}`)!), `${urls[index]!} differs from the core's`).toBe(0);
  }
}

describe.for(vites)('Vite $version', (vite) => {
  it('gives imports what their queries ask for, with the core’s bytes', async () => {
    const site = await makeSite({
      'index.html': page,
      'main.js': `${cases.map(({ source, query }, i) => `import v${i} from './${source}?${query}';`).join('\n')}
        export default [${cases.map((_, i) => `v${i}`).join()}];`,
    });
    const built = await build(site, {
      vite,
      config: { build: bundling(vite, { preserveEntrySignatures: 'strict', input: site.path('main.js') }) },
    });
    const values = (await evaluate(built.text('.js'))) as unknown[];
    for (const [index, one] of cases.entries()) {
      const urls = urlsIn(values[index], one.value);
      expect(urls, JSON.stringify(values[index])).toHaveLength(one.files.length);
      await expectFiles(site, built, urls!, one);
    }
    expect([...built.files.keys()].map((name) => name.replace(/-[\w-]{8}(?=\.)/, '')).sort()).toEqual([
      'assets/drawing-200w.webp',
      'assets/drawing-240w.png',
      'assets/drawing.png',
      'assets/drawing@2x.png',
      'assets/drawing@3x.png',
      'assets/icon@2x.png',
      'assets/icon@4x.png',
      'assets/logo.png',
      'assets/logo.webp',
      'assets/logo@1.5x.png',
      'assets/logo@2x.png',
      'assets/logo@2x.webp',
      'assets/main.js',
      'assets/photo-320w.jpg',
    ]);
  });

  it('gives CSS files, and where several are asked for an image-set()', async () => {
    const inCss = cases.filter(({ value }) => typeof value === 'string');
    const site = await makeSite({
      'index.html': '<!doctype html><link rel="stylesheet" href="/a.css">',
      'a.css': inCss
        .map(({ source, query }, i) => `.c${i} { background: url("${source}?${query}") no-repeat }`)
        .join('\n'),
    });
    const built = await build(site, { vite });
    const css = built.text('.css');
    for (const [index, one] of inCss.entries()) {
      const [, value = ''] = new RegExp(`\\.c${index} \\{ background: (.*) no-repeat`).exec(css)!;
      const urls = [...value.matchAll(/url\("([^"]*)"\)/g)].map(([, url]) => url!);
      const pattern = String(one.value);
      const expected = pattern === '{0}' ? 'url("{0}")' : `image-set(${pattern.replace(/\{\d\}/g, 'url("$&")')})`;
      expect(value).toBe(expected.replace(/\{(\d)\}/g, (_, n: string) => urls[Number(n)]!));
      await expectFiles(site, built, urls, one);
    }
  });

  it('gives HTML attributes', async () => {
    const tagOf = ({ source, query, value }: (typeof cases)[number]): string => {
      if (query.endsWith('as=srcset')) return `<img alt="" srcset="${source}?${query.replace(/&/g, '&amp;')}">`;
      return typeof value === 'string' || query.endsWith('as=img') ? `<img alt="" src="${source}?${query}">` : '';
    };
    const inHtml = cases.filter((one) => tagOf(one) !== '');
    const site = await makeSite({ 'index.html': `<!doctype html>\n${inHtml.map(tagOf).join('\n')}\n` });
    const built = await build(site, { vite });
    const tags = built.text('.html').match(/<img.*>/g)!;
    for (const [index, one] of inHtml.entries()) {
      const read = (name: string): string | undefined => new RegExp(` ${name}="([^"]*)"`).exec(tags[index]!)?.[1];
      const whole = typeof one.value !== 'string';
      const value = whole
        ? { src: read('src'), srcset: read('srcset'), width: Number(read('width')), height: Number(read('height')) }
        : read(one.query.endsWith('as=srcset') ? 'srcset' : 'src');
      const urls = urlsIn(value, one.value);
      expect(urls, tags[index]).toHaveLength(one.files.length);
      if (!whole) expect(read('width')).toBeUndefined();
      await expectFiles(site, built, urls!, one);
    }
  });

  it('reads every other place of a page', async () => {
    const site = await makeSite({
      'index.html': `<!doctype html>
        <!-- <img src="nowhere.png?upscale=2"> -->
        <link rel="icon" href="/logo.png?upscale=3">
        <style>p { background: url(logo.png?upscale=4) }</style>
        <picture><source srcset="logo.png 1x, logo.png?upscale=2 2x"><IMG ALT='a > b' SRC=./logo.png?upscale=2&model=art></picture>
        <p style="background: url('logo.png?upscale=5')" title="what ?upscale=2 does">logo.png?upscale=2</p>`,
    });
    const built = await build(site, { vite });
    const html = built.text('.html').replace(/-[\w-]{8}(?=\.)/g, '');
    expect(html).toContain('href="/assets/logo@3x.png"');
    expect(html).toMatch(/p ?\{ ?background: ?url\("?\/assets\/logo@4x\.png/);
    expect(html).toContain('srcset="/assets/logo.png 1x, /assets/logo@2x.png 2x"');
    expect(html).toContain(`<IMG ALT='a > b' SRC="/assets/logo@2x.png">`);
    expect(html).toMatch(/style="background: url\((?:&quot;|'|)\/assets\/logo@5x\.png/);
    expect(html).toContain('title="what ?upscale=2 does">logo.png?upscale=2</p>');
  });

  it('sees CSS behind @import and Sass, relative to the file that has it', async () => {
    const site = await makeSite({
      'index.html': page,
      'main.js': `import './a.css'; import './b.scss'; import styles from './c.module.css'; console.log(styles);`,
      'a.css': `@import './deep/d.css';`,
      'deep/d.css': `.d { background: image-set(url(../logo.png) 1x, '../logo.png?upscale=2' 2x); --own: url(../logo.png?upscale=3) }`,
      'b.scss': `$image: 'logo.png'; .b { &:hover { background: url('#{$image}?upscale=4') } }`,
      'c.module.css': `.c { background: url(/logo.png?upscale=5) }`,
    });
    const css = (await build(site, { vite })).text('.css').replace(/-[\w-]{8}(?=\.)/g, '');
    expect(css).toMatch(/image-set\(url\(\/assets\/logo\.png\) 1x, "\/assets\/logo@2x\.png" 2x\)/);
    expect(css).toContain('--own: url("/assets/logo@3x.png")');
    expect(css).toContain('url("/assets/logo@4x.png")');
    expect(css).toContain('url("/assets/logo@5x.png")');
  });

  it('follows aliases, new URL() and import.meta.glob', async () => {
    const site = await makeSite({
      'index.html': `<!doctype html><style>p { background: url(@pictures/logo.png?upscale=2) }</style>${script}`,
      'main.js': `import alias from '@pictures/logo.png?upscale=2';
        // new URL('./nowhere.png?upscale=2', import.meta.url)
        const name = 'logo';
        console.log('alias', alias);
        console.log('literal', new URL('./logo.png?upscale=3', import.meta.url));
        console.log('quoted', new URL(\`./logo.png?upscale=2\`, import.meta.url));
        console.log('template', new URL(\`./pictures/\${name}.png?upscale=4\`, import.meta.url));
        console.log('glob', import.meta.glob('./pictures/*.png', { query: '?upscale=5', import: 'default', eager: true }));`,
    });
    await site.copy('palette.png', 'pictures/logo.png');
    const built = await build(site, { vite, config: { resolve: { alias: { '@pictures': site.path('pictures') } } } });
    const names = [...built.files.keys()].map((name) => name.replace(/-[\w-]{8}(?=\.)/, ''));
    for (const density of [2, 3, 4, 5]) expect(names).toContain(`assets/logo@${density}x.png`);
    expect(built.text('.js')).toMatch(/new URL\(\(?"\/assets\/logo@3x-[\w-]{8}\.png"\)?, import\.meta\.url\)/);
    expect(built.text('.js').replace(/^\/\/.*$/gm, '')).not.toContain('?upscale');
    expect(built.text('.html')).toMatch(/url\("\/assets\/logo@2x-[\w-]{8}\.png"\)/);
  });

  it('gives the server the same URLs as the browser', async () => {
    const site = await makeSite({
      'index.html': page,
      'main.js': `export { default } from './logo.png?upscale=1;2&as=img';`,
    });
    const entry = bundling(vite, { preserveEntrySignatures: 'strict', input: site.path('main.js') });
    const client = await build(site, { vite, config: { build: entry } });
    const server = await build(site, { vite, config: { build: { ssr: true, ...entry } } });
    const value = await evaluate(client.text('.js'));
    expect(await evaluate(server.text('.js'))).toEqual(value);
    expect((value as { src: string }).src).toMatch(/^\/assets\/logo-[\w-]{8}\.png$/);
    expect([...server.files.keys()]).toEqual(['main.js']);
  });

  describe('refuses', () => {
    it.for(refused)('$query in an import', async ({ query, words }) => {
      const site = await makeSite({ 'index.html': page, 'main.js': `import './logo.png?${query}';` });
      await expect(build(site, { vite })).rejects.toThrow(words);
      await expect(build(site, { vite })).rejects.toThrow(`logo.png?${query}`);
    });

    it.for(refused)('$query in CSS and HTML, naming both files', async ({ query, words }) => {
      const css = await makeSite({
        'index.html': '<!doctype html><link rel="stylesheet" href="/a.css">',
        'a.css': `@import './b.css';`,
        'b.css': `p { background: url(logo.png?${query}) }`,
      });
      await expect(build(css, { vite })).rejects.toThrow(words);
      await expect(build(css, { vite })).rejects.toThrow(/logo\.png\?.*in b\.css/s);
      const html = await makeSite({ 'index.html': `<!doctype html><img alt="" src="logo.png?${query}">` });
      await expect(build(html, { vite })).rejects.toThrow(words);
      await expect(build(html, { vite })).rejects.toThrow(/logo\.png\?.*in index\.html/s);
    });

    it('files that are not there, and what is no image', async () => {
      const nowhere = await makeSite({ 'index.html': '<!doctype html><img alt="" src="nowhere.png?upscale=2">' });
      await expect(build(nowhere, { vite })).rejects.toThrow(
        'nowhere.png?upscale=2: there is no such file (in index.html)',
      );
      const text = await makeSite({
        'index.html': page,
        'main.js': `import './notes.txt?upscale=2';`,
        'notes.txt': 'notes',
      });
      await expect(build(text, { vite })).rejects.toThrow(/notes\.txt\?upscale=2: .*not an image/);
    });

    it('shapes where they mean nothing', async () => {
      const html = await makeSite({
        'index.html': '<!doctype html><img alt="" src="logo.png?upscale=1;2&as=picture">',
      });
      await expect(build(html, { vite })).rejects.toThrow('as=picture has no meaning in <img src>');
      const css = await makeSite({
        'index.html': '<style>p { background: url(logo.png?upscale=2&as=metadata) }</style>',
      });
      await expect(build(css, { vite })).rejects.toThrow('as=metadata has no meaning in CSS');
    });

    it.for([
      [
        'a string in JavaScript',
        `document.body.dataset.image = './logo.png?upscale=2';`,
        /main\.js:1: .*assets\/index-.*\.js/,
      ],
      ['a srcset in JavaScript', `document.images[0].srcset = 'logo.png 1x, logo.png?upscale=2 2x';`, /main\.js/],
      ['a template in JavaScript', `document.body.innerHTML = '<img src="./logo.png?upscale=2">';`, /main\.js/],
      ['a style in JavaScript', `document.body.style.cssText = 'background: url(logo.png?upscale=2)';`, /main\.js/],
    ] as const)('a directive that no one read: %s', async ([, code, where]) => {
      const site = await makeSite({
        'index.html': page,
        'main.js': code,
        'a.css': 'p { background: url(logo.png?upscale=2) }',
      });
      await expect(build(site, { vite })).rejects.toThrow('logo.png?upscale=2" is still in');
      await expect(build(site, { vite })).rejects.toThrow(where);
      for (const leftovers of ['warn', 'ignore'] as const) {
        await expect(build(site, { vite, leftovers })).resolves.toBeDefined();
      }
    });

    it.for([
      [
        'a function of styles that no browser knows',
        { 'deep/a.css': 'p { background: image("../logo.png?upscale=2") }' },
        /a\.css:1/,
      ],
      [
        'a file that is copied',
        { 'public/m.webmanifest': '{"icons":[{"src":"/logo.png?upscale=2"}]}', 'public/logo.png': '' },
        /m\.webmanifest:1.* is copied/,
      ],
      [
        'a feed that is copied',
        { 'public/feed.xml': '<rss><enclosure url="/logo.png?upscale=2"/></rss>' },
        /feed\.xml:1.* is copied/,
      ],
      ['a glob', { 'main.js': `console.log(import.meta.glob('./*.png?upscale=2'));` }, /\{ query: '\?upscale=2' \}/],
      [
        'a string of an inline worker',
        {
          'main.js': `import Made from './w.js?worker&inline'; new Made();`,
          'w.js': `\nself.postMessage('./logo.png?upscale=2');`,
        },
        /w\.js:2/,
      ],
      [
        'an import of an inline worker without the plugin',
        {
          'main.js': `import Made from './w.js?sharedworker&inline'; new Made();`,
          'w.js': `import url from './logo.png?upscale=2'; self.postMessage(url);`,
        },
        /logo-.*\.png\?upscale=2" is still in .* but emitted by another plugin/,
      ],
      [
        'a script that stands in another one',
        {
          'main.js': `import url from './b.js?url&inline'; document.head.append(url);`,
          'b.js': `document.images[0].src = './logo.png?upscale=2';`,
        },
        /b\.js:1/,
      ],
      [
        'a sum of strings',
        { 'main.js': `self.a = './logo.png' + ('?upscale=' + '2');` },
        /logo\.png\?upscale=2" is still/,
      ],
      [
        'a sum of strings, next to a file that asks for the same image',
        {
          'main.js': `import './b.js'; import url from './logo.png?upscale=2'; console.log(url);`,
          'b.js': `self.a = './logo.png' + '?upscale=2';`,
        },
        /b\.js: "\.\/logo\.png\?upscale=2" is still/,
      ],
      [
        'a string with a slash too many',
        { 'main.js': 'document.images[0].src = `${import.meta.env.BASE_URL}/b.png?upscale=2`;', 'public/b.png': '' },
        /main\.js:1: "\/+b\.png\?upscale=2" is still/,
      ],
      [
        'a string with a slash too many, before a folder',
        {
          'main.js': 'document.images[0].src = import.meta.env.BASE_URL + "/c/b.png?upscale=2";',
          'public/c/b.png': '',
        },
        /main\.js:1: "\/+c\/b\.png\?upscale=2" is still/,
      ],
      ...(['utf16le', 'utf16be'] as const).map(
        (encoding) =>
          [
            `a copied page in ${encoding}`,
            { 'public/old.html': utf16('<p>\n<img src="/logo.png?upscale=2">', encoding) },
            /old\.html:2.* is copied/,
          ] as const,
      ),
      [
        'a copied file of many megabytes, between two blocks',
        {
          'public/big.js': `/*${'x'.repeat(2 ** 20 - 44)}*/ document.images[0].src = "/logo.png?upscale=2" /*${'x'.repeat(2 ** 23)}*/`,
        },
        /big\.js:1.* is copied/,
      ],
    ] as const)('a directive where it is not read: %s', async ([, files, error]) => {
      const site = await makeSite({
        'index.html': page,
        'main.js': `import './deep/a.css';`,
        'deep/a.css': '',
      });
      for (const [name, content] of Object.entries<string | Uint8Array>(files)) await site.write(name, content);
      await expect(build(site, { vite })).rejects.toThrow(error);
    });

    it.for([
      ['the text of another file', `import css from './a.css?raw'; console.log(css);`],
      ['the name of a class', `document.body.className = "bg-[url('./logo.png?upscale=2')]";`],
      ['a file that is not there', `document.body.dataset.image = './nowhere.png?upscale=2';`],
      ['a parameter of another service', `document.body.dataset.image = './logo.png?upscale=false&w=300';`],
      [
        'a code sample',
        `document.body.innerHTML = "<span>import</span> logo <span>from</span> <span>'./logo.png?upscale=2'</span>";`,
      ],
      ['a sentence', `console.log('Write logo.png?upscale=2 or logo.png?upscale=3.');`],
      ['a copied folder that is called like a file', '', { 'public/chart.js/a.txt': 'logo.png?upscale=2' }],
      ['a comment of a copied script', '', { 'public/a.js': "// '/logo.png?upscale=2'", 'public/logo.png': '' }],
    ] as const)('but not %s', async ([, code, files]) => {
      const site = await makeSite({
        'index.html': `<!doctype html><p class="bg-[url('./logo.png?upscale=2')]"></p>${script}`,
        'main.js': code,
        'a.css': 'p { background: url(logo.png?upscale=2) }',
        ...files,
      });
      await expect(build(site, { vite })).resolves.toBeDefined();
    });
  });

  it('leaves other queries, other sites and texts about directives alone', async () => {
    const site = await makeSite({
      'index.html': `<!doctype html><img alt="" src="https://cdn.example/a.png?upscale=2"><style>p { background: url(//cdn.example/b.png?upscale=2) }</style>
        <code>hero.png?upscale=2</code>${script}`,
      'main.js': `import url from './logo.png?size=2'; console.log(url, 'Write hero.png?upscale=2 to get more pixels (or hero.png?upscale=3).', 'https://cdn.example/c.png?upscale=2');`,
    });
    const built = await build(site, { vite });
    for (const letter of ['a', 'b']) expect(built.text('.html')).toContain(`cdn.example/${letter}.png?upscale=2`);
    expect(built.text('.js')).toContain('?size=2');
  });
});

describe.each(vites)('Vite $version: the file that an author means', (vite) => {
  const places = {
    css: [`import './a.css';`, `.a { background: url('./logo.png?upscale=2') }`, '.css'],
    'css without a dot': [`import './a.css';`, `.a { background: url(logo.png?upscale=2) }`, '.css'],
    'new URL': [`console.log(new URL('./logo.png?upscale=2', import.meta.url).href);`, '', '.js'],
    import: [`import url from './logo.png?upscale=2'; console.log(url);`, '', '.js'],
  } as const;
  const bases = ['/', '/site/', './', '', 'https://cdn.example/site/'];
  it.for(bases.flatMap((base) => Object.keys(places).map((place) => [base, place as keyof typeof places] as const)))(
    'base "%s", %s',
    async ([base, place]) => {
      const [code, css, ending] = places[place];
      const site = await makeSite({
        'index.html': '<!doctype html><script type="module" src="./src/main.js"></script>',
        'src/main.js': code,
        'src/a.css': css,
      });
      await site.copy('clipart-icon.png', 'src/logo.png');
      // Another picture of that name, which a stripped base would lead to.
      await site.copy('palette.png', 'public/logo.png');
      const built = await build(site, { vite, config: { base } });
      expect(built.text(ending)).toMatch(/logo@2x-[\w-]{8}\.png/);
      const [expected] = (await coreBytes(site, 'src/logo.png', 'upscale=2')).values();
      const [name] = [...built.files.keys()].filter((file) => file.includes('logo@2x'));
      const file = built.files.get(name!);
      expect(file?.type === 'asset' && Buffer.compare(Buffer.from(file.source), Buffer.from(expected!))).toBe(0);
    },
  );

  it('a mark that another plugin carries off is an error that holds no path of this machine in its text', async () => {
    const site = await makeSite({
      'index.html': page,
      'main.js': `import './a.css';`,
      'a.css': 'p { background: url(logo.png?upscale=2) }',
    });
    const seen: string[] = [];
    const thief: Plugin = {
      name: 'thief',
      config: () => ({
        css: {
          postcss: {
            plugins: [
              {
                postcssPlugin: 'thief',
                OnceExit(root: { toString(): string }) {
                  seen.push(root.toString());
                },
              },
            ],
          },
        },
      }),
      generateBundle() {
        this.emitFile({ type: 'asset', fileName: 'stolen.css', source: seen.at(-1)! });
      },
    };
    await expect(build(site, { vite, plugins: [thief] })).rejects.toThrow(
      /a\.css:1: "logo\.png\?upscale=2" was taken into stolen\.css by another plugin/,
    );
    expect(seen.at(-1)).toMatch(/upres:\/\/[\da-f]{16}/);
    expect(seen.at(-1)).not.toContain(site.folder);
  });
});

it('finds a directive in a script that Vite leaves in the page', async () => {
  const site = await makeSite({
    'index.html': `<!doctype html><body><script>document.body.title = './logo.png?upscale=2';</script></body>`,
  });
  await expect(build(site)).rejects.toThrow('"./logo.png?upscale=2" is still in index.html');
});

describe.each(vites)('Vite $version: workers', (vite) => {
  it.for(['?worker', '?worker&inline'])('have plugins of their own: %s', async (query) => {
    const site = await makeSite({
      'index.html': page,
      'main.js': `import Made from './w.js${query}'; import url from './logo.png?upscale=2'; console.log(Made, url, new URL('./logo.png?upscale=3', import.meta.url).href);`,
      'w.js': `import url from './logo.png?upscale=4'; self.postMessage([url, new URL('./logo.png?width=44&upscale', import.meta.url).href]);`,
    });
    const config = { worker: { plugins: () => configOf(site).plugins as Plugin[] } };
    const built = await build(site, { vite, config });
    const images = [...built.files.keys()].filter((name) => name.endsWith('.png'));
    expect(images.map((name) => /logo[@-]\w+(?=-)/.exec(name)?.[0]).sort()).toEqual([
      'logo-44w',
      'logo@2x',
      'logo@3x',
      'logo@4x',
    ]);
  });
});
