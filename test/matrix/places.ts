/** Where a directive can stand. Each has a picture of its own, so that what became of it is known by its name. */
export interface Place {
  readonly name: string;
  /** Statements of the page's script; `use` shows them in the page. */
  readonly script?: string;
  /** In the page's body. */
  readonly html?: string;
  /** More files of the site. */
  readonly files?: Readonly<Record<string, string>>;
  /** Packages without which it can't be tried. */
  readonly needs?: readonly string[];
  /** Whether servers' bundles have it, too. */
  readonly ssr?: boolean;
  /** Whether Vite's development server leaves it to the browser, which asks for the URL as its author wrote it. */
  readonly browserAsks?: boolean;
}

const background = (name: string, folder = './'): string =>
  `.${name} { background: url('${folder}${name}.png?upscale=2'); }`;

export const places: readonly Place[] = [
  { name: 'import', script: `import a from './import.png?upscale=2'; use(a);`, ssr: true },
  {
    name: 'glob',
    script: `use(import.meta.glob('./glob.png', { query: '?upscale=2', import: 'default', eager: true }));`,
    ssr: true,
  },
  { name: 'newurl', script: `use(new URL('./newurl.png?upscale=2', import.meta.url).href);`, browserAsks: true },
  { name: 'css', script: `import './a.css';`, files: { 'a.css': background('css') } },
  {
    name: 'atimport',
    script: `import './b.css';`,
    files: { 'b.css': `@import './deep/c.css';`, 'deep/c.css': background('atimport', '../') },
  },
  { name: 'sass', script: `import './d.scss';`, files: { 'd.scss': `.x { ${background('sass')} }` }, needs: ['sass'] },
  {
    name: 'cssmodule',
    script: `import names from './e.module.css'; use(names);`,
    files: { 'e.module.css': background('cssmodule') },
  },
  { name: 'html', html: '<img alt="" src="./html.png?upscale=2">' },
  { name: 'style', html: `<style>${background('style')}</style>` },
  { name: 'partial', html: '{{partial}}' },
  {
    name: 'inline',
    html: `<script type="module">document.title = new URL('./inline.png?upscale=2', import.meta.url).href;</script>`,
    browserAsks: true,
  },
  {
    name: 'vue',
    script: `import Vue from './A.vue'; use(Vue);`,
    files: { 'A.vue': '<script setup></script><template><img alt="" src="./vue.png?upscale=2"></template>' },
    needs: ['vue', '@vitejs/plugin-vue'],
    ssr: true,
  },
  {
    name: 'vuestyle',
    script: `import Styled from './B.vue'; use(Styled);`,
    files: { 'B.vue': `<template><p class="vuestyle"></p></template><style scoped>${background('vuestyle')}</style>` },
    needs: ['vue', '@vitejs/plugin-vue'],
  },
  {
    name: 'svelte',
    script: `import Svelte from './C.svelte'; use(Svelte);`,
    files: { 'C.svelte': `<script>import a from './svelte.png?upscale=2';</script><img alt="" src={a}>` },
    needs: ['svelte', '@sveltejs/vite-plugin-svelte'],
    ssr: true,
  },
];

export const bases = ['/', '/site/', './', '', 'https://cdn.example/site/', 'renderBuiltUrl'] as const;
export type Base = (typeof bases)[number];

/** On which side of vite-imagetools the plugin stands; alone where that is not installed. */
export const orders = ['alone', 'first', 'last'] as const;
export type Order = (typeof orders)[number];

export const transformers = ['postcss', 'lightningcss'] as const;
export type Transformer = (typeof transformers)[number];
