/*
 * Builds Vite's own page of assets, all its references to pictures with `?upscale=2`, under each kind of base, and looks at it in a browser.
 *
 *   npm run playground -- FOLDER
 *
 * FOLDER is a checkout of Vite.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import sharp from 'sharp';
import { build, type InlineConfig, type Plugin } from 'vite';
import upres from 'upres/vite';
import { findBrowser } from '../e2e/support/find-browser.js';
import { serveFiles } from './files.js';

interface Base {
  readonly name: string;
  /** Vite's option; `{origin}` is the server's. */
  readonly base: string;
  /** The path under which the site is served. */
  readonly served: string;
  readonly config?: InlineConfig;
}

/** The page asks for public files by a function that a script defines, as in Vite's own configuration of that name. */
const definesUrls: Plugin = {
  name: 'defines-urls',
  transformIndexHtml: () => [
    { tag: 'script', attrs: { type: 'module' }, children: 'globalThis.toUrl = (name) => "/" + name;' },
  ],
};

const bases: readonly Base[] = [
  { name: '/', base: '/', served: '/' },
  { name: '/foo/', base: '/foo/', served: '/foo/' },
  { name: '/foo bar/', base: '/foo bar/', served: '/foo bar/' },
  { name: './', base: './', served: '/folder/' },
  { name: "''", base: '', served: '/folder/' },
  { name: 'a URL', base: '{origin}/cdn/', served: '/cdn/' },
  {
    name: 'renderBuiltUrl',
    base: './',
    served: '/',
    config: {
      plugins: [definesUrls],
      experimental: {
        renderBuiltUrl: (name, { hostType }) =>
          hostType === 'js' ? { runtime: `globalThis.toUrl(${JSON.stringify(name)})` } : { relative: true },
      },
    },
  },
];

/**
 * Runs in the browser: every reference of the page to an image, with what it is and why it may be none of ours. The page has vectors,
 * pictures inlined by their query, and pictures that no name in a source leads to (`rewrite` leaves these).
 */
const pictures = `(async () => {
  const found = [];
  const add = (kind, element, url) => found.push({ kind, url, loads: element.naturalWidth > 0, made: /^(?:dynamic-import|inline-public)/.test(element.className) });
  for (const img of document.images) add('<img>', img, img.currentSrc || img.src);
  for (const code of document.querySelectorAll('code')) add('printed URL', code, new URL(code.textContent, document.baseURI).href);
  for (const element of document.querySelectorAll('*')) {
    const urls = getComputedStyle(element).backgroundImage.matchAll(/url\\("([^"]*)"\\)/g);
    for (const [, url] of urls) add('background', element, url);
  }
  const leftOut = ({ url, made }) => {
    if (!url.startsWith(location.origin)) return url.startsWith('data:') ? 'data: URI' : 'of another site';
    if (!/\\.(?:png|jpe?g|webp|avif|gif)(?:$|[?#])/.test(url)) return 'no picture of pixels';
    return made ? 'its name is put together at run time' : undefined;
  };
  const seen = [];
  for (const each of found) {
    const why = leftOut(each);
    const response = why === undefined ? await fetch(each.url).catch(() => undefined) : undefined;
    const bitmap = response?.ok ? await createImageBitmap(await response.blob()).catch(() => undefined) : undefined;
    seen.push({ ...each, why, size: bitmap ? bitmap.width + 'x' + bitmap.height : 'status ' + response?.status });
  }
  return seen;
})()`;

const kinds = ['<img>', 'printed URL', 'background'] as const;

const [checkout] = process.argv.slice(2);
if (checkout === undefined) throw new Error('which folder is a checkout of Vite? npm run playground -- FOLDER');
const executablePath = findBrowser();
if (executablePath === undefined) throw new Error('this needs Chromium; CHROMIUM_PATH can name one');
const folder = mkdtempSync(join(tmpdir(), 'upres-playground-'));
const browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-gpu'] });
let failed = false;
/** What does not count, in words: the same with every base. */
const reasons = new Set<string>();
try {
  const site = join(folder, 'site');
  cpSync(join(resolve(checkout), 'playground/assets'), site, { recursive: true });
  console.log(`${rewrite(site)} references rewritten\n`);
  const sizes = await sizesOf(site);
  console.log(
    `| base | ${kinds.join(' | ')} | all <img> load | different backgrounds |\n${'| --- '.repeat(kinds.length + 3)}|`,
  );
  for (const base of bases) {
    const { cells, wrong, leftOut } = await tryOut(base, site, sizes);
    reasons.add(leftOut);
    console.log(`| ${[base.name, ...cells].join(' | ')} |`);
    for (const line of wrong) console.error(`${base.name}: ${line}`);
    failed ||= wrong.length > 0;
  }
  for (const each of reasons) console.log(`\nleft out: ${each}`);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = failed ? 1 : 0;

/**
 * Puts the directive behind each name of a picture that is there. What is put together at run time (`${name}.png`) or has a query
 * already can't have one. @returns how many
 */
function rewrite(site: string): number {
  const paths = readdirSync(site, { recursive: true, encoding: 'utf8' });
  const known = new Set(paths.map((path) => basename(path)));
  let count = 0;
  for (const path of paths) {
    if (!/\.(?:html|css|js)$/.test(path) || /^(?:__tests__|vite\.config)/.test(path)) continue;
    const file = join(site, path);
    const text = readFileSync(file, 'utf8');
    const changed = text.replace(/[^/"`(\n]*\.(?:png|jpg)(?=["'),\s])/g, (name) => {
      if (!known.has(decodeURI(name.replace(/^['\s]+/, '')))) return name;
      count++;
      return `${name}?upscale=2`;
    });
    if (changed !== text) writeFileSync(file, changed);
  }
  return count;
}

/** Twice the pixels of each picture by its name without ending; equal files get the name of one of them. */
async function sizesOf(site: string): Promise<ReadonlySet<string>> {
  const sizes = new Set<string>();
  for (const path of readdirSync(site, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:png|jpg)$/.test(path)) continue;
    const { width, height } = await sharp(join(site, path)).metadata();
    // As bundlers write them.
    const stem = basename(path, extname(path)).replace(/[%[\]]/g, '_');
    sizes.add(`${stem} ${2 * width}x${2 * height}`);
  }
  return sizes;
}

interface Result {
  /** As in `12 of 12`, kind by kind; then all that load, with those that do not count, and how many backgrounds differ. */
  readonly cells: readonly string[];
  readonly leftOut: string;
  readonly wrong: readonly string[];
}

async function tryOut(base: Base, root: string, sizes: ReadonlySet<string>): Promise<Result> {
  const outDir = join(folder, `out-${bases.indexOf(base)}`);
  mkdirSync(outDir);
  const serving = await serveFiles(outDir, base.served);
  try {
    await build({
      root,
      configFile: false,
      logLevel: 'error',
      base: base.base.replace('{origin}', serving.url),
      publicDir: 'static',
      resolve: { alias: { '@': join(root, 'nested'), fragment: join(root, 'nested/fragment-bg.svg') } },
      assetsInclude: ['**/*.unknown', '**/*.custom'],
      ...base.config,
      plugins: [upres({ cache: join(folder, 'cache') }), ...(base.config?.plugins ?? [])],
      build: { outDir, emptyOutDir: true, assetsInlineLimit: 0 },
    });
    const seen = await look(browser, `${serving.url}${encodeURI(base.served)}`);
    const ours = seen.filter(({ why }) => why === undefined);
    const right = ours.filter((each) => isRight(each, sizes));
    const count = (all: readonly Seen[], kind: Seen['kind']): number => all.filter((each) => each.kind === kind).length;
    const others = seen.filter(({ why }) => why !== undefined).map(({ kind, why }) => `${kind}, ${why}`);
    const images = seen.filter(({ kind }) => kind === '<img>');
    const different = new Set(seen.filter(({ kind }) => kind === 'background').map(({ url }) => url));
    return {
      cells: [
        ...kinds.map((kind) => `${count(right, kind)} of ${count(ours, kind)}`),
        `${images.filter(({ loads }) => loads).length} of ${images.length}`,
        String(different.size),
      ],
      leftOut: [...new Set(others)]
        .map((each) => `${others.filter((one) => one === each).length} × ${each}`)
        .join('; '),
      wrong: ours.filter((each) => !right.includes(each)).map(({ kind, url, size }) => `${kind} ${url}: ${size}`),
    };
  } finally {
    await serving.stop();
  }
}

function isRight({ url, size }: Seen, sizes: ReadonlySet<string>): boolean {
  const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1)!);
  const [, stem] = /^(.*)@2x-.{8}\.(?:png|jpg)$/.exec(name) ?? [];
  return stem !== undefined && sizes.has(`${stem} ${size}`);
}

interface Seen {
  readonly kind: (typeof kinds)[number];
  readonly url: string;
  /** Why it does not count; undefined where it does. */
  readonly why?: string;
  /** Whether the browser shows an element's picture. */
  readonly loads: boolean;
  readonly size: string;
}

async function look(by: Browser, url: string): Promise<Seen[]> {
  const page = await by.newPage({ deviceScaleFactor: 2 });
  try {
    // The page asks one picture of another site, which may not be reachable.
    await page.route(
      (each) => each.origin !== new URL(url).origin,
      (route) => route.abort(),
    );
    await page.goto(url, { waitUntil: 'load' });
    await page.waitForTimeout(1000);
    return await page.evaluate<Seen[]>(pictures);
  } finally {
    await page.close();
  }
}
