import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import type { InlineConfig, Plugin, Rolldown } from 'vite';
import type * as ViteModule from 'vite';
import type { Base, Order, Place, Transformer } from './places.js';

type Vite = typeof ViteModule;

/** One way to build all places at once. */
export interface Cell {
  readonly vite: Vite;
  readonly upres: (options: { cache: string }) => Plugin[];
  /** A folder in whose `node_modules` the packages of the places are; undefined where no place needs any. */
  readonly packages?: string;
  readonly cache: string;
  readonly base: Base;
  readonly order: Order;
  readonly transformer: Transformer;
  readonly places: readonly Place[];
}

/** Pixels of a source's side. */
const side = 12;
const cdn = 'https://files.example/';

/** What is wrong in a build, place by place; empty where all is right. */
export async function tryBuild(cell: Cell): Promise<string[]> {
  return inSite(cell, async (config) => {
    const built = await cell.vite.build({ ...config, build: { ...config.build, write: false } });
    const files = ([built].flat() as Rolldown.RolldownOutput[]).flatMap(({ output }) => output);
    const server = await cell.vite.build({ ...config, build: { ...config.build, write: false, ssr: 'server.js' } });
    const code = ([server].flat() as Rolldown.RolldownOutput[]).flatMap(({ output }) => output.map(textOf)).join('\n');
    const wrong: string[] = [];
    for (const { name, ssr } of cell.places) {
      const image = files.find(({ fileName }) => new RegExp(`(?:^|/)${name}@2x[^/]*\\.png$`).test(fileName));
      if (image?.type !== 'asset') wrong.push(`${name}: there is no larger image`);
      else {
        const { width } = await sharp(image.source as Uint8Array).metadata();
        if (width !== 2 * side) wrong.push(`${name}: it has ${width} pixels`);
        if (!files.some((file) => refersTo(file, image.fileName, cell.base))) wrong.push(`${name}: no URL leads to it`);
        if (ssr && !code.includes(image.fileName.replace(/^.*\//, ''))) wrong.push(`${name}: a server has another URL`);
      }
      if (files.some(({ fileName }) => new RegExp(`(?:^|/)${name}-[\\w-]{8}\\.png$`).test(fileName))) {
        wrong.push(`${name}: the small image is there, too`);
      }
    }
    return wrong;
  });
}

/** The same in the development server: what browsers get for the URLs that modules and pages have. */
export async function tryServer(cell: Cell): Promise<string[]> {
  return inSite(cell, async (config) => {
    const server = await cell.vite.createServer({
      ...config,
      server: { port: 0, host: '127.0.0.1', hmr: false, ws: false },
    });
    try {
      await server.listen();
      const { port } = server.httpServer!.address() as { port: number };
      const root = `http://127.0.0.1:${port}`;
      const get = async (path: string, accept = '*/*'): Promise<string> =>
        (await fetch(new URL(path, root), { headers: { accept } })).text();
      const { base } = server.config;
      const files = cell.places
        .flatMap(({ files = {} }) => Object.keys(files))
        .filter((file) => !file.startsWith('deep/'));
      const html = await get(base, 'text/html');
      const proxied = [...html.matchAll(/src="([^"]*html-proxy[^"]*)"/g)].map(([, url]) =>
        get(url!.replaceAll('&amp;', '&')),
      );
      const styles = files
        .filter((file) => file.endsWith('.vue'))
        .map((file) => `${file}?vue&type=style&index=0&scoped=x&lang.css`);
      const texts = await Promise.all([
        Promise.resolve(html),
        ...proxied,
        ...['main.js', ...files, ...styles].map((file) => get(`${base}${file}`)),
        ...cell.places
          .filter(({ script, ssr }) => script !== undefined && ssr)
          .map(({ name }) => get(`${base}${name}.png?import&upscale=2`)),
      ]);
      const text = texts.join('\n').replaceAll('&amp;', '&');
      const wrong: string[] = text.includes('upres://') ? ['a mark is in what browsers get'] : [];
      for (const { name, browserAsks } of cell.places) {
        const found = new RegExp(
          `[^\\s"'()\\\\=]*${name}\\.png\\?(?!import)[^\\s"'()\\\\]*upscale=2[^\\s"'()\\\\]*`,
        ).exec(text)?.[0];
        if (found === undefined) {
          wrong.push(`${name}: no URL leads to it`);
          continue;
        }
        const from = browserAsks ? new URL(base, root) : new URL(root);
        const response = await fetch(new URL(found, from));
        const { width } = await sharp(Buffer.from(await response.arrayBuffer()))
          .metadata()
          .catch(() => ({ width: response.status }));
        if (width !== 2 * side) wrong.push(`${name}: ${found} has ${width} pixels`);
      }
      return wrong;
    } finally {
      await server.close();
    }
  });
}

async function inSite(cell: Cell, use: (config: InlineConfig) => Promise<string[]>): Promise<string[]> {
  const folder = await mkdtemp(join(cell.packages ?? tmpdir(), 'upres-matrix-'));
  try {
    await laySite(folder, cell.places);
    return await use(await configOf(folder, cell));
  } catch (error) {
    return [error instanceof Error ? error.message.split('\n').slice(0, 6).join(' ') : String(error)];
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

async function laySite(folder: string, places: readonly Place[]): Promise<void> {
  const scripts = places.map(({ script }) => script ?? '');
  const use = 'const use = (value) => console.log(value);';
  const files: Record<string, string | Uint8Array> = {
    'package.json': '{ "name": "matrix", "private": true, "type": "module" }',
    'index.html': `<!doctype html>${places.map(({ html }) => html ?? '').join('\n')}<script type="module" src="/main.js"></script>`,
    'main.js': [...scripts, use].join('\n'),
    'server.js': [...places.filter(({ ssr }) => ssr).map(({ script }) => script ?? ''), use].join('\n'),
    ...Object.fromEntries(places.flatMap(({ files = {} }) => Object.entries(files))),
  };
  for (const [index, { name }] of places.entries()) {
    const background = { r: 255 - index, g: index * 7, b: 40 + index * 3 };
    files[`${name}.png`] = await sharp({ create: { width: side, height: side, channels: 3, background } })
      .png()
      .toBuffer();
  }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

async function configOf(folder: string, cell: Cell): Promise<InlineConfig> {
  const { base, order, transformer, places, cache } = cell;
  const needs = new Set(places.flatMap(({ needs = [] }) => needs));
  type Factories = Readonly<Record<string, (options?: unknown) => Plugin | Plugin[]>>;
  // Some packages can only be imported, so it is a module in their project that has to do it.
  const loader = join(folder, 'load-package.mjs');
  await writeFile(loader, 'export default (name) => import(name);');
  const { default: load } = (await import(pathToFileURL(loader).href)) as {
    default: (name: string) => Promise<Factories>;
  };
  const own = cell.upres({ cache });
  const images = order === 'alone' ? [] : (await load('vite-imagetools')).imagetools!({ cache: { enabled: false } });
  const plugins = [
    order === 'last' ? [images, own] : [own, images],
    needs.has('vue') ? (await load('@vitejs/plugin-vue')).default!() : [],
    needs.has('svelte') ? (await load('@sveltejs/vite-plugin-svelte')).svelte!({ configFile: false }) : [],
    {
      name: 'partials',
      transformIndexHtml: {
        order: 'pre',
        handler: (html: string) => html.replace('{{partial}}', '<img alt="" src="./partial.png?upscale=2">'),
      },
    } satisfies Plugin,
  ].flat(2);
  return {
    root: folder,
    base: base === 'renderBuiltUrl' ? '/' : base,
    configFile: false,
    logLevel: 'silent',
    plugins,
    css: { transformer },
    optimizeDeps: { noDiscovery: true, include: [] },
    ...(base === 'renderBuiltUrl' ? { experimental: { renderBuiltUrl: (file: string) => `${cdn}${file}` } } : {}),
    build: { assetsInlineLimit: 0, minify: false, modulePreload: { polyfill: false } },
  };
}

type Output = Rolldown.OutputAsset | Rolldown.OutputChunk;

const textOf = (file: Output): string =>
  file.type === 'chunk'
    ? file.code
    : /\.(?:html|css)$/.test(file.fileName)
      ? Buffer.from(file.source as string).toString()
      : '';

/** Whether a URL of one file leads to another, as the base says. */
function refersTo(file: Output, target: string, base: Base): boolean {
  const site = 'https://site.example/';
  const name = target.replace(/^.*\//, '');
  const urls =
    textOf(file).match(new RegExp(`[^\\s"'()\`,]*${name.replace(/[.*+?^$()[\]{}|\\]/g, '\\$&')}`, 'g')) ?? [];
  const expected =
    base === 'renderBuiltUrl'
      ? `${cdn}${target}`
      : new URL(target, new URL(/^\.?\/?$/.test(base) ? '/' : base, site)).href;
  // Relative URLs start at the file that has them, which lies under the base.
  const from = new URL(file.fileName, new URL(/^\.?\/?$/.test(base) ? '/' : base, site));
  return urls.some((url) => new URL(url, from).href === expected);
}
