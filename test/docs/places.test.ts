// README's table of what each build tool reads: every tick is a build here, or names what holds it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rspack } from '@rspack/core';
import * as esbuild from 'esbuild';
import * as rolldown from 'rolldown';
import * as rollup from 'rollup';
import sharp from 'sharp';
import upresEsbuild from 'upres/esbuild';
import upresNext from 'upres/next';
import upresRollup from 'upres/rollup';
import upresVite from 'upres/vite';
import { UpresPlugin } from 'upres/webpack';
import * as vite from 'vite';
import { expect, it } from 'vitest';
import webpack, { type Compiler, type Configuration } from 'webpack';
import { main } from '../cli/support/command.js';
import { close, run } from '../plugins/support/webpack.js';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';

const columns = ['import', 'CSS', 'HTML', 'dev server', 'watch', '`auto`'] as const;
type Column = (typeof columns)[number];

/** A line of another test or of a site of `npm run frameworks`, which has to be there. */
type Held = readonly [file: string, line: string];

interface Tool {
  /** Builds a folder with `main.js`, `index.html` and `style.css` into `dist/`. */
  readonly build?: (folder: string) => Promise<unknown>;
  readonly held: Partial<Record<Column, Held>>;
  /** Makes the plugin with an option `auto`, where there is none. */
  readonly refused?: () => unknown;
}

const options = { model: 'nearest', cache: false } as const;
const auto = { auto: true } as never;

const compile = async (compiler: Compiler): Promise<void> => {
  const stats = await run(compiler);
  await close(compiler);
  expect(stats.compilation.errors.map(({ message }) => message)).toEqual([]);
};

const configuration = (folder: string, more: Configuration): Configuration => ({
  mode: 'production',
  context: folder,
  entry: './main.js',
  output: { path: join(folder, 'dist') },
  infrastructureLogging: { level: 'none' },
  plugins: [new UpresPlugin(options)],
  ...more,
});

const next: Tool = {
  held: {
    import: ['test/frameworks/next/app/page.jsx', "import photo from '../images/photo.png?upscale=2';"],
    CSS: ['test/frameworks/next/app/global.css', 'url(../images/photo.png?upscale=2)'],
    'dev server': ['test/frameworks/next/fixture.json', '"dev": "next dev'],
    watch: ['test/frameworks/next/fixture.json', '"edits": true'],
  },
  refused: () => upresNext(auto),
};

const tools: Readonly<Record<string, Tool>> = {
  Vite: {
    build: (root) =>
      vite.build({ root, logLevel: 'silent', build: { assetsInlineLimit: 0 }, plugins: [upresVite(options)] }),
    held: {
      'dev server': ['test/plugins/vite-dev.test.ts', 'answers pages and styles, under a base too'],
      watch: ['test/plugins/vite-life.test.ts', 'follow sources while watching'],
      '`auto`': ['test/plugins/vite-auto.test.ts', 'gives plain images of the site candidates'],
    },
  },
  webpack: {
    build: (folder) =>
      compile(
        webpack(
          configuration(folder, {
            entry: ['./main.js', './index.html'],
            experiments: { html: true, css: true },
          }),
        ),
      ),
    held: {
      'dev server': ['test/frameworks/webpack-serve/fixture.json', '"dev": "webpack serve'],
      watch: ['test/plugins/webpack-watch.test.ts', 'makes a changed source again'],
    },
    refused: () => new UpresPlugin(auto),
  },
  Rspack: {
    build: (folder) =>
      compile(
        rspack(
          configuration(folder, { module: { rules: [{ test: /\.css$/, type: 'css' }] } }) as never,
        ) as unknown as Compiler,
      ),
    held: {
      'dev server': ['test/frameworks/rspack-serve/fixture.json', '"dev": "rspack serve'],
      watch: ['test/plugins/webpack-watch.test.ts', 'Object.values(bundlers)'],
    },
    refused: () => new UpresPlugin(auto),
  },
  'Next.js (Turbopack)': next,
  'Next.js (webpack)': {
    ...next,
    held: { ...next.held, 'dev server': ['test/frameworks/next-webpack/fixture.json', '"dev": "next dev --webpack'] },
  },
  Rollup: {
    build: async (folder) => {
      const bundle = await rollup.rollup({ input: join(folder, 'import.js'), plugins: [upresRollup(options)] });
      await bundle.write({ dir: join(folder, 'dist') });
      await bundle.close();
    },
    held: { watch: ['test/plugins/rollup.test.ts', 'makes again what changed'] },
    refused: () => upresRollup(auto),
  },
  Rolldown: {
    build: async (folder) => {
      const bundle = await rolldown.rolldown({ input: join(folder, 'import.js'), plugins: [upresRollup(options)] });
      await bundle.write({ dir: join(folder, 'dist') });
      await bundle.close();
    },
    held: { watch: ['test/plugins/rollup.test.ts', 'describe.each(bundlers)'] },
    refused: () => upresRollup(auto),
  },
  esbuild: {
    build: (folder) =>
      esbuild.build({
        entryPoints: [join(folder, 'main.js')],
        bundle: true,
        outdir: join(folder, 'dist'),
        plugins: [upresEsbuild(options)],
      }),
    held: { watch: ['test/plugins/esbuild.test.ts', 'makes again what changed'] },
    refused: () => upresEsbuild(auto),
  },
  Bun: {
    held: {
      import: ['test/frameworks/bun/src/main.js', "import two from './photo.png?upscale=2';"],
      CSS: ['test/frameworks/bun/src/style.css', "url('./photo.jpg?upscale=3')"],
    },
  },
  '`upres html`': {
    build: async (folder) => {
      const site = join(folder, 'dist');
      await makeFiles(site);
      const { code, stderr } = await runChild(main, ['html', site, '-m', 'nearest', '--no-cache']);
      expect(stderr).toContain('import.png?upscale=2');
      expect(code).toBe(1);
    },
    held: { '`auto`': ['test/cli/html.test.ts', 'takes pictures that ask for nothing with --auto'] },
  },
};

/** One picture for each place, no two alike. */
async function makeFiles(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files = {
    'package.json': '{ "type": "module" }',
    'import.js': `import picture from './import.png?upscale=2';\nconsole.log(picture);\n`,
    'main.js': `import './import.js';\nimport './style.css';\n`,
    'style.css': `body { background: url('./CSS.png?upscale=2'); }\n`,
    'index.html': `<link rel="stylesheet" href="./style.css"><img src="./HTML.png?upscale=2"><script type="module" src="./main.js"></script>\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  for (const [at, place] of ['import', 'CSS', 'HTML'].entries()) {
    await sharp({ create: { width: 10, height: 10, channels: 3, background: { r: 60 * at, g: 90, b: 200 } } }).toFile(
      join(folder, `${place}.png`),
    );
  }
}

async function places(build: (folder: string) => Promise<unknown>): Promise<Column[]> {
  const folder = temporaryFolder();
  await makeFiles(folder);
  await build(folder);
  const made = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' });
  const found: Column[] = [];
  for (const place of ['import', 'CSS', 'HTML'] as const) {
    const file = made.find((name) => name.replace(/^.*[/\\]/, '').startsWith(`${place}@2x`));
    if (file === undefined) continue;
    expect(await sharp(join(folder, 'dist', file)).metadata()).toMatchObject({ width: 20, height: 20 });
    found.push(place);
  }
  return found;
}

const readme = readFileSync('README.md', 'utf8');
const header = /^\| *tool *\|.*$/m.exec(readme)!;
const cells = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const rows = new Map(
  readme
    .slice(header.index)
    .split(/\n(?!\|)/)[0]!
    .split('\n')
    .slice(2)
    .map((line) => [cells(line)[0]!, cells(line).slice(1)]),
);

it('has a row for each tool, and a column for each place', () => {
  expect(cells(header[0]).slice(1)).toEqual(columns);
  expect([...rows.keys()]).toEqual(Object.keys(tools));
});

it.each(Object.entries(tools))(
  '%s reads what the table says, and nothing else',
  async (name, { build, held, refused }) => {
    const ticked = columns.filter((_, at) => rows.get(name)![at] === '✓');
    const built = build ? await places(build) : [];
    expect(columns.filter((column) => built.includes(column) || held[column])).toEqual(ticked);
    for (const [file, line] of Object.values(held)) {
      expect(existsSync(file), file).toBe(true);
      expect(readFileSync(file, 'utf8'), file).toContain(line);
    }
    if (refused) expect(refused).toThrow('auto');
  },
);
