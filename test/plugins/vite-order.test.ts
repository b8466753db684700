import type { InlineConfig, Plugin, ResolvedConfig } from 'vite';
import { describe, expect, it, onTestFinished } from 'vitest';
import upres from 'upres/vite';
import { build, builtOf, configOf, makeSite, vites, type BuildOptions, type Built } from './support/vite-site.js';

const unhashed = (text: string): string => text.replace(/-[\w-]{8}(?=\.)/g, '');
const names = (built: Built): string[] => [...built.files.keys()].map(unhashed);

/** With Vite's own limit, below which it would put the small image itself into the page, and no one would notice. */
const inlining = { build: { assetsInlineLimit: 300 } };

/** Makes pages of partials, as Handlebars and its kin do. */
const partials: Plugin = {
  name: 'partials',
  transformIndexHtml: { order: 'pre', handler: (html) => html.replace('{{logo}}', '<img src="./logo.png?upscale=2">') },
};

/** Compiles components to JavaScript, as Svelte and Vue do. */
const components: Plugin = {
  name: 'components',
  transform(code, id) {
    return id.endsWith('.component') ? `export default ${code.replace(/<\/?js>/g, '')}` : null;
  },
};

/** Loads images itself, as vite-imagetools does. */
const images = (order?: 'pre'): Plugin => ({
  name: 'images',
  enforce: 'pre',
  load: {
    ...(order === undefined ? {} : { order }),
    handler: (id) => (id.includes('.png?') ? 'export default "small"' : null),
  },
});

/** Has styles of its own compiled by Vite's plugin when all modules are known, as UnoCSS does. */
function makerOfStyles(compiled: string[]): Plugin {
  let styles: Plugin | undefined;
  return {
    name: 'maker-of-styles',
    configResolved({ plugins }) {
      styles = plugins.find(({ name }) => name === 'vite:css');
    },
    async renderChunk() {
      type Transform = (...given: unknown[]) => Promise<{ code: string }>;
      const transform = styles!.transform as unknown as Transform | { readonly handler: Transform };
      const handler = typeof transform === 'function' ? transform : transform.handler;
      const css = '.late { background: url(/logo.png?upscale=2) }';
      compiled.push((await handler.call(this, css, `${this.environment.config.root}/late.css`)).code);
    },
  };
}

/** Stands right behind Vite's own plugin for styles, as Astro's does. */
function readerOfStyles(read: string[]): Plugin {
  return {
    name: 'reader-of-styles',
    configResolved({ plugins }) {
      const all = plugins as Plugin[];
      const behind: Plugin = {
        name: 'reader-of-styles:behind',
        transform(code, id) {
          if (id.endsWith('.css')) read.push(code);
        },
      };
      all.splice(all.findIndex(({ name }) => name === 'vite:css') + 1, 0, behind);
    },
  };
}

describe.for(vites)('Vite $version: among other plugins, on either side of them', (vite) => {
  const sides = ['before', 'behind'] as const;
  const buildBeside = async (
    side: (typeof sides)[number],
    other: Plugin,
    files: Record<string, string>,
  ): Promise<Built> => {
    const site = await makeSite(files);
    const base = configOf(site, { vite, config: inlining });
    const config: InlineConfig = vite.mergeConfig(base, { build: { write: false } });
    const own = config.plugins ?? [];
    config.plugins = side === 'before' ? [...own, other] : [other, ...own];
    return collect(await vite.build(config));
  };
  const collect = (result: unknown): Built => builtOf([result].flat() as never);

  it.for(sides)('%s one that makes HTML', async (side) => {
    const built = await buildBeside(side, partials, { 'index.html': '<!doctype html>{{logo}}' });
    expect(unhashed(built.text('.html'))).toContain('<img src="/assets/logo@2x.png">');
  });

  it.for(sides)('%s one that compiles components', async (side) => {
    const built = await buildBeside(side, components, {
      'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
      'main.js': `import url from './a.component'; console.log(url);`,
      'a.component': `<js>new URL('./logo.png?upscale=2', import.meta.url).href</js>`,
    });
    expect(names(built)).toContain('assets/logo@2x.png');
  });

  it.for(sides)('%s one that loads images', async (side) => {
    const built = await buildBeside(side, images(), {
      'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
      'main.js': `import url from './logo.png?upscale=2'; console.log(url);`,
    });
    expect(names(built)).toContain('assets/logo@2x.png');
  });

  it.for(sides)('%s one that has Vite compile its styles when all is bundled', async (side) => {
    const late: string[] = [];
    const built = await buildBeside(side, makerOfStyles(late), {
      'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
      'main.js': `console.log(1);`,
    });
    expect(late).toEqual([expect.stringMatching(/^\.late \{ background: url\("__VITE_ASSET__\w+__"\) \}$/)]);
    expect(names(built)).toContain('assets/logo@2x.png');
  });

  it.for(sides)('%s one that reads styles in development as soon as Vite has compiled them', async (side) => {
    const site = await makeSite({ 'a.css': '.a { background: url(logo.png?upscale=2) }' });
    const read: string[] = [];
    const base = configOf(site, { vite, config: { server: { middlewareMode: true, ws: false } } });
    const own = base.plugins ?? [];
    const reader = readerOfStyles(read);
    const server = await vite.createServer({
      ...base,
      plugins: side === 'before' ? [...own, reader] : [reader, ...own],
    });
    onTestFinished(() => server.close());
    await server.environments.client.transformRequest('/a.css');
    expect(read).toEqual([expect.stringMatching(/^\.a \{ background: url\("\/logo\.png\?upscale=2[^"]*"\) \}$/)]);
  });

  it('names who took an image away', async () => {
    const taken = buildBeside('behind', images('pre'), {
      'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
      'main.js': `import url from './logo.png?upscale=2'; console.log(url);`,
    });
    await expect(taken).rejects.toThrow(
      'logo.png?upscale=2: another plugin loaded it first, maybe images: put upres() before it',
    );
  });
});

describe.for(vites)('Vite $version: pages', (vite) => {
  const page = async (html: string, options: BuildOptions = {}): Promise<Built> => {
    const site = await makeSite({
      'index.html': `<!doctype html>${html}`,
      '.env': 'VITE_NAME=logo\nVITE_HOST=https://a.example',
    });
    return build(site, { vite, ...options, config: { ...inlining, ...options.config } });
  };

  it('take the variables of Vite into account', async () => {
    const built = await page(
      '<img src="%BASE_URL%logo.png?upscale=2"><img src="./%VITE_NAME%.png?upscale=3"><img srcset="%VITE_NAME%.png?upscale=4 4x"><img src="%VITE_HOST%/a.png?upscale=2">',
      { config: { base: '/site/' } },
    );
    expect(unhashed(built.text('.html'))).toContain(
      '<img src="/site/assets/logo@2x.png"><img src="/site/assets/logo@3x.png"><img srcset="/site/assets/logo@4x.png 4x">' +
        '<img src="https://a.example/a.png?upscale=2">',
    );
  });

  it('have scripts of their own', async () => {
    const built = await page(
      `<script type="module">document.title = new URL('./logo.png?upscale=2', import.meta.url).href;</script>`,
    );
    expect(names(built)).toContain('assets/logo@2x.png');
  });

  it('keep the icons of links as files, as Vite does', async () => {
    const config = { build: { assetsInlineLimit: 100_000 } };
    const html = '<link rel="icon" href="logo.png?upscale=2"><link rel="apple-touch-icon" href="logo.png?upscale=3">';
    const built = unhashed((await page(html, { config })).text('.html'));
    expect(built).toContain('href="/assets/logo@2x.png"');
    expect(built).toContain('href="/assets/logo@3x.png"');
  });

  it('carry candidates as the user’s own function says', async () => {
    const config = { build: { assetsInlineLimit: () => true } };
    const built = (await page('<img src="logo.png?upscale=1;2&as=img">', { config })).text('.html');
    expect(built).toMatch(/srcset="data:image\/png;base64,\S+ 1x, data:image\/png;base64,\S+ 2x"/);
  });
});

it('waits for no pages of Vite where SvelteKit makes them, which warns of plugins that do', async () => {
  const waiting: string[][] = [];
  const kit: Plugin = {
    name: 'vite-plugin-sveltekit-setup',
    configResolved({ plugins }) {
      waiting.push(plugins.filter((plugin) => plugin.transformIndexHtml).map(({ name }) => name));
    },
  };
  for (const command of ['build', 'serve'] as const) {
    await vites[0].resolveConfig({ configFile: false, plugins: [kit, upres()] }, command);
  }
  expect(waiting).toEqual([[], []]);
});

it('says to an old Vite that it is one', () => {
  const [plugin] = upres();
  const { configResolved } = plugin as { configResolved: (config: ResolvedConfig) => void };
  expect(() => {
    configResolved({ plugins: [], root: '/' } as unknown as ResolvedConfig);
  }).toThrow('upres needs Vite 6 or newer');
});

describe.for(vites)('Vite $version: templates of components', (vite) => {
  const buildComponent = async (
    name: string,
    text: string,
    texts: string[] = [],
    more: InlineConfig = {},
  ): Promise<unknown> => {
    const site = await makeSite({
      'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
      'main.js': `import component from './${name}'; console.log(component);`,
      [name]: text,
    });
    const compiler: Plugin = {
      name: 'compiler',
      transform(code, id) {
        if (!id.endsWith(name)) return null;
        texts.push(code);
        return `export default ${JSON.stringify(code.length)}`;
      },
    };
    const config: InlineConfig = vite.mergeConfig(configOf(site, { vite, config: inlining }), {
      build: { write: false },
      plugins: [compiler],
    });
    return vite.build(vite.mergeConfig(config, more));
  };

  it.for([
    [
      'App.vue',
      '<template><Photo src="./logo.png?upscale=1;2&as=img" /></template>',
      /can’t hold what as=img is: an object.*v-bind="photo"/,
    ],
    ['App.vue', '<template><p><img alt="" src="./logo.png?upscale=2&amp;as=picture" /></p></template>', /as=picture/],
    [
      'App.vue',
      "<script setup>const a = 1 < 2</script><template><img src='./logo.png?upscale&as=metadata'></template>",
      /as=metadata/,
    ],
    ['App.vue', '<template><a href="./logo.png?upscale=1;2&as=srcset"></a></template>', /<img :srcset="photo">/],
    ['App.svelte', '<img src="./logo.png?upscale=1;2&as=img" alt="">', /\{\.\.\.photo\}/],
    ['App.svelte', '<img srcset="./logo.png?upscale=1;2&as=srcset" alt="">', /srcset=\{photo\}/],
  ] as const)('%s with an object in an attribute fails: %s', async ([name, text, message]) => {
    await expect(buildComponent(name, text)).rejects.toThrow(message);
  });

  /** What Vue's compiler makes of templates in other languages, as Pug. */
  const compiled = async (attribute: string, query: string): Promise<unknown> =>
    build(
      await makeSite({
        'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
        'main.js': `import _imports_0 from './logo.png?${query}';\nconsole.log({ ${attribute}: _imports_0 });`,
      }),
      { vite },
    );

  it('in other languages fail where an object would stand in an attribute', async () => {
    await expect(compiled('src', 'upscale=1;2&as=img')).rejects.toThrow(/attribute src .* as=img is: an object/);
    await expect(compiled('src', 'upscale=1;2&as=srcset')).rejects.toThrow(/belongs into a srcset/);
    await expect(compiled('srcset', 'upscale=1;2&as=srcset')).resolves.toBeDefined();
    await expect(compiled('src', 'upscale=2')).resolves.toBeDefined();
  });

  it('of Vue get candidates in files of their own', async () => {
    const site = await makeSite({
      'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
      'main.js': `import text from './t.html?vue&type=template&lang.js'; console.log(text);`,
      't.html': '<img src="./logo.png?upscale=1;2&as=img">',
    });
    const texts: string[] = [];
    const compiler: Plugin = {
      name: 'compiler',
      transform(code, id) {
        if (!id.includes('type=template')) return null;
        texts.push(code);
        return 'export default 1';
      },
    };
    await build(site, { vite, plugins: [compiler] });
    expect(texts[0]).toMatch(
      /^<img srcset="\.\/logo\.png\?upscale=1\S* 1x, \.\/logo\.png\?upscale=2\S* 2x" width="10"/,
    );
  });

  it('of Vue get candidates for one directive in an img', async () => {
    const texts: string[] = [];
    const text =
      '<template><img src="./logo.png?upscale=1;2&as=img"><source srcset="@/logo.png?upscale=2;3&amp;as=srcset"></template>';
    const alias = { resolve: { alias: { '@': '.' } } };
    await buildComponent('App.vue', text, texts, alias);
    expect(texts[0]!.replaceAll('&amp;model=auto&amp;format=png', '')).toBe(
      '<template><img srcset="./logo.png?upscale=1 1x, ./logo.png?upscale=2 2x" width="10" height="10" src="./logo.png?upscale=1">' +
        '<source srcset="@/logo.png?upscale=2 2x, @/logo.png?upscale=3 3x"></template>',
    );
  });

  it.for([
    '<template><img src="./logo.png?upscale=2"></template>',
    '<template><img :src="photo.src"></template><script>import photo from "./logo.png?upscale=2&as=img"</script>',
    '<template><p>?upscale=2&amp;as=img</p><img src="https://elsewhere.example/logo.png?upscale=2&as=img"></template>',
    '<template><!-- <img src="./logo.png?upscale=2&as=img"> --></template>',
  ])('others are left to their compilers: %s', async (text) => {
    await expect(buildComponent('App.vue', text)).resolves.toBeDefined();
  });
});
