import { readFile } from 'node:fs/promises';
import type { Plugin } from 'vite';
import { describe, expect, it } from 'vitest';
import upres from 'upres/vite';
import { configOf, makeSite, vites, type Vite } from './support/vite-site.js';

const strip = (text: string): string => text.replaceAll('?upscale=2', '');

/** Plugins that take a directive away before upres sees it, and where the directive stands. */
const thieves: readonly [
  what: string,
  files: Record<string, string>,
  plugin: (folder: string) => Plugin,
  error: RegExp,
][] = [
  [
    'an import, by resolving it to a module of its own',
    { 'main.js': `\nimport url from './logo.png?upscale=2';\nconsole.log(url);` },
    (folder) => ({
      name: 'thief',
      enforce: 'pre',
      resolveId: { order: 'pre', handler: (id) => (id.includes('logo.png') ? '\0virtual' : null) },
      load: async (id) =>
        id === '\0virtual' ? `export default ${(await readFile(`${folder}/logo.png`)).length}` : null,
    }),
    /main\.js:2: "\.\/logo\.png\?upscale=2" was taken by another plugin, maybe thief/,
  ],
  [
    'an import, by rewriting the script',
    { 'main.js': `import url from './logo.png?upscale=2'; console.log(url);` },
    () => ({ name: 'thief', enforce: 'pre', transform: (code, id) => (id.endsWith('main.js') ? strip(code) : null) }),
    /main\.js:1: .* was taken by another plugin, maybe thief/,
  ],
  [
    'a new URL, by rewriting the script',
    { 'main.js': `\n\nconsole.log(new URL('./logo.png?upscale=2', import.meta.url).href);` },
    () => ({ name: 'thief', transform: (code, id) => (id.endsWith('main.js') ? strip(code) : null) }),
    /main\.js:3: .* was taken/,
  ],
  [
    'an image of a page, in a hook of the same order',
    { 'main.js': '', 'index.html': '<!doctype html>\n<img alt="" src="logo.png?upscale=2">' },
    () => ({ name: 'thief', transformIndexHtml: { order: 'pre', handler: strip } }),
    /index\.html:2: "logo\.png\?upscale=2" was taken by another plugin, maybe thief/,
  ],
  [
    'a style sheet, before it is compiled',
    { 'main.js': `import './a.css';`, 'a.css': 'p {\n  background: url(logo.png?upscale=2);\n}' },
    () => ({ name: 'thief', enforce: 'pre', transform: (code, id) => (id.endsWith('a.css') ? strip(code) : null) }),
    /a\.css:2: "logo\.png\?upscale=2" was taken/,
  ],
  [
    'a template of a component, which it compiles without its query',
    { 'main.js': `import './A.vue';`, 'A.vue': '<template>\n<img src="./logo.png?upscale=2">\n</template>' },
    () => ({
      name: 'thief',
      transform: (_, id) => (id.endsWith('A.vue') ? `import url from './logo.png'; console.log(url);` : null),
    }),
    /A\.vue:2: .* was taken/,
  ],
  [
    'an image, which it emits itself and keeps the query',
    { 'main.js': `import './a.css';`, 'a.css': 'p { background: url(logo.png?upscale=2) }' },
    (folder) => ({
      name: 'thief',
      enforce: 'pre',
      async transform(code, id) {
        if (!id.endsWith('a.css')) return null;
        const source = await readFile(`${folder}/logo.png`);
        const fileName = 'assets/logo-small.png';
        this.emitFile({ type: 'asset', fileName, originalFileName: 'logo.png', source });
        return code.replace('logo.png', `https://cdn.example/${fileName}`);
      },
    }),
    /a\.css:1: "logo\.png\?upscale=2" is still in assets\/index-.*\.css: its image was not upscaled, but emitted/,
  ],
];

/** What takes directives away for a reason: nothing of the small image is in the site. */
const reasons: readonly [what: string, files: Record<string, string>, plugin: Plugin][] = [
  [
    'a condition of a template',
    { 'index.html': '<!doctype html><% if (false) { %><img alt="" src="logo.png?upscale=2"><% } %>' },
    { name: 'templates', transformIndexHtml: { order: 'pre', handler: (html) => html.replace(/<%.*%>/s, '') } },
  ],
  [
    'a tool that leaves out unused styles',
    { 'main.js': `import './a.css';`, 'a.css': 'p { color: red } q { background: url(logo.png?upscale=2) }' },
    {
      name: 'purge',
      enforce: 'pre',
      transform: (code, id) => (id.endsWith('.css') ? code.replace(/ q \{.*\}/, '') : null),
    },
  ],
  [
    'a comment',
    {
      'main.js': `import url from './logo.png'; console.log(url);\n// import url from './logo.png?upscale=2'`,
      'index.html':
        '<!doctype html><!-- <img alt="" src="logo.png?upscale=2"> --><script type="module" src="/main.js"></script>',
    },
    { name: 'none' },
  ],
];

const page = '<!doctype html><p></p><script type="module" src="/main.js"></script>';

async function buildBehind(
  vite: Vite,
  files: Record<string, string>,
  plugin: (folder: string) => Plugin,
  options: Parameters<typeof upres>[0] = {},
): Promise<unknown> {
  const site = await makeSite({ 'index.html': page, ...files });
  const base = configOf(site, { vite, ...options, config: { build: { assetsInlineLimit: 300 } } });
  const plugins = [plugin(site.folder), ...(base.plugins ?? [])];
  return vite.build({ ...base, plugins, build: { ...base.build, write: false } });
}

describe.for(vites)('Vite $version: what another plugin takes is an error with its place', (vite) => {
  it.for(thieves)('%s', async ([, files, plugin, error]) => {
    await expect(buildBehind(vite, files, plugin)).rejects.toThrow(error);
  });

  it.for(reasons)('but not what is left out by %s', async ([, files, plugin]) => {
    await expect(buildBehind(vite, files, () => plugin)).resolves.toBeDefined();
  });
});

describe('the option leftovers', () => {
  const [, files, plugin] = thieves[4]!;

  it.for(['a.css', '*.css', 'logo.png?upscale=2'])('allows a place: %s', async (allow) => {
    await expect(buildBehind(vites[0], files, plugin, { leftovers: { allow } })).resolves.toBeDefined();
  });

  it('allows no other place', async () => {
    const leftovers = { allow: ['b.css', 'logo.png?upscale=3'] };
    await expect(buildBehind(vites[0], files, plugin, { leftovers })).rejects.toThrow('a.css:2');
    const warned = buildBehind(vites[0], files, plugin, { leftovers: { ...leftovers, otherwise: 'warn' } });
    await expect(warned).resolves.toBeDefined();
  });

  it('knows no other words', () => {
    expect(() => upres({ leftovers: { allowed: 'a' } as never })).toThrow('allow');
  });
});
