import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { Project } from './support/project.js';

const repository = join(import.meta.dirname, '../..');
const project = new Project();

/** How a configuration is run, by its name. */
const commands: Record<string, (file: string) => string[]> = {
  gulpfile: () => ['node_modules/gulp/bin/gulp.js', 'images'],
  'vite.config': () => ['node_modules/vite/bin/vite.js', 'build'],
  'webpack.config': (file) => ['run-webpack.cjs', `./${file}`],
  'rollup.config': () => ['node_modules/rollup/dist/bin/rollup', '-c'],
  build: (file) => [file],
};

/** The configurations that the docs show: blocks that begin with the name of a file. */
const shown = [
  'README.md',
  'docs/gulp.md',
  'docs/vite.md',
  'docs/webpack.md',
  'docs/rollup.md',
  'docs/esbuild.md',
].flatMap((doc) => {
  const blocks = readFileSync(join(repository, doc), 'utf8').matchAll(
    /^```js\n(\/\/ ([\w.]+)(\.[cm]?js)\b.*\n[^]*?)^```$/gm,
  );
  return [...blocks].flatMap(([, text = '', name = '', extension = '']) =>
    name in commands ? [{ doc, text, name, file: name + extension }] : [],
  );
});

beforeAll(async () => {
  await project.install(['gulp', 'vite', 'webpack', 'rollup', 'esbuild', '@types/node', 'typescript']);
  project.copy('palette.png', 'images/logo.png');
  project.copy('palette.png', 'src/logo.png');
  project.write('src/package.json', '{ "type": "module" }');
  for (const name of ['main.js', 'index.js']) {
    project.write(`src/${name}`, `import url from './logo.png?upscale=2'; console.log(url);`);
  }
  project.write('index.html', '<!doctype html><script type="module" src="/src/main.js"></script>');
  project.write(
    'run-webpack.cjs',
    `import(process.argv[2]).then(({ default: configuration }) =>
      require('webpack')({ mode: 'production', ...configuration }, (error, stats) => {
        if (error || stats.hasErrors()) throw error ?? new Error(stats.toString());
      }));`,
  );
});

it('shows configurations of all tools', () => {
  expect(new Set(shown.map(({ name }) => name))).toEqual(new Set(Object.keys(commands)));
});

describe.each(['commonjs', 'module'])('in a project of type %s', (type) => {
  beforeAll(() => {
    const description = JSON.parse(readFileSync(project.path('package.json'), 'utf8')) as object;
    project.write('package.json', JSON.stringify({ ...description, type }));
  });

  it.each(shown)('$file of $doc works as it is written', async ({ text, name, file }) => {
    rmSync(project.path('dist'), { recursive: true, force: true });
    project.write(file, text);
    try {
      await project.run(process.execPath, ...commands[name]!(file));
    } finally {
      rmSync(project.path(file));
    }
    expect(await widestPicture()).toBeGreaterThanOrEqual(20);
  });

  it.each(['vite', 'webpack', 'rollup', 'esbuild', 'gulp', 'astro'])(
    'require() of upres/%s gives what import does',
    async (door) => {
      project.write(
        'required.cjs',
        `const required = require('upres/${door}');
       import('upres/${door}').then((module) => {
         const names = Object.keys(module).filter((name) => name !== 'module.exports');
         console.log(JSON.stringify([typeof required, required === module.default, names.every((name) => required[name] === module[name])]));
       });`,
      );
      expect(await project.evaluate('required.cjs')).toEqual(['function', true, true]);
    },
  );
});

it('a TypeScript configuration of webpack’s recipe finds the types, whichever way modules are resolved', async () => {
  project.write(
    'webpack.config.ts',
    `import * as webpack from 'webpack';
     import { UpresPlugin } from 'upres/webpack';
     const configuration: webpack.Configuration = { plugins: [new UpresPlugin({ quality: 80 })] };
     // @ts-expect-error: types are there only if this is refused
     new UpresPlugin({ quality: 'best' });
     export default configuration;`,
  );
  const tsc = ['node_modules/typescript/bin/tsc', '--noEmit', '--strict', '--esModuleInterop', '--skipLibCheck'];
  for (const ways of [
    ['--module', 'commonjs', '--moduleResolution', 'node10', '--ignoreDeprecations', '6.0'],
    ['--module', 'commonjs', '--moduleResolution', 'bundler'],
    ['--module', 'nodenext'],
  ]) {
    const { failed, stdout } = await project.complain(process.execPath, ...tsc, ...ways, 'webpack.config.ts');
    expect({ failed, stdout }).toEqual({ failed: false, stdout: '' });
  }
});

/** Pixels; bundlers may write a small one into a script. */
async function widestPicture(): Promise<number> {
  const files = readdirSync(project.path('dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
  const pictures = files.flatMap((bytes) => {
    const inlined = /data:image\/png;base64,([\w+/=]+)/.exec(bytes.toString('latin1'))?.[1];
    if (inlined !== undefined) return [Buffer.from(inlined, 'base64')];
    return bytes.subarray(1, 4).toString('latin1') === 'PNG' ? [bytes] : [];
  });
  const widths = await Promise.all(pictures.map(async (bytes) => (await sharp(bytes).metadata()).width));
  return Math.max(...widths);
}
