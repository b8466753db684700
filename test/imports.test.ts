import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import sharp from 'sharp';
import ts from 'typescript';
import { UpresError } from 'upres';
import { describe, expect, it } from 'vitest';
import { runChild } from './support/child.js';
import { temporaryFolder } from './support/folders.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const recorder = fileURLToPath(new URL('./fixtures/record-imports.js', import.meta.url));
const program = fileURLToPath(new URL('./fixtures/load.js', import.meta.url));

/** Each source file with the source files that it imports: for their types only and by `import()`, too. */
function importsOfSources(): Map<string, string[]> {
  const files = ['src', 'plugins'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  );
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'));
      const targets = importedFiles.map(({ fileName }) =>
        (fileName.startsWith('#upres/')
          ? join('src', fileName.slice('#upres/'.length))
          : join(dirname(file), fileName)
        ).replace(/\.js$/, '.ts'),
      );
      return [file, targets.filter((target) => known.has(target))];
    }),
  );
}

/** The first circle that is found, file by file. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const follow = (file: string, path: readonly string[]): string[] => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (done.has(file)) return [];
    for (const next of imports.get(file) ?? []) {
      const circle = follow(next, [...path, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  for (const file of imports.keys()) {
    const circle = follow(file, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

/** What a program loads: files of upres relative to `dist`, and names of packages. */
async function loadedBy(...args: string[]): Promise<{ own: string[]; packages: string[] }> {
  const list = join(temporaryFolder(), 'loaded.txt');
  const { code, stderr } = await runChild(program, args, {
    execArgv: ['--import', pathToFileURL(recorder).href],
    env: { UPRES_LOADED: list },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const urls = readFileSync(list, 'utf8').split('\n');
  const paths = [...new Set(urls)]
    .filter((url) => url.startsWith('file:'))
    .map((url) => relative(root, fileURLToPath(url)).replaceAll('\\', '/'));
  return {
    own: paths.filter((path) => path.startsWith('dist/')).map((path) => path.slice('dist/'.length)),
    packages: [...new Set(paths.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))],
  };
}

/** What only building a graph needs. */
const graphWork = { own: /^model\/graph\//, packages: ['@bufbuild/protobuf', 'xz-decompress'] };

function expectNoGraphWork({ own, packages }: { own: readonly string[]; packages: readonly string[] }): void {
  expect(own.filter((file) => file.startsWith('model/graph/'))).toEqual([]);
  expect(packages.filter((name) => graphWork.packages.includes(name))).toEqual([]);
}

/** Plugins that are joined to one file, with what must be there once next to it: how many files they load. */
const joined: Readonly<Record<string, readonly [door: string, most: number]>> = {
  vite: ['doors/vite.js', 12],
  webpack: ['doors/webpack.js', 4],
  gulp: ['doors/gulp.js', 6],
};

describe('imports', () => {
  it('never go round in a circle', () => {
    const imports = importsOfSources();
    expect(imports.get('src/index.ts')).toContain('src/errors.ts');
    expect(circleIn(imports)).toEqual([]);
  });

  it('of a door that is joined to one file share its loaders’ state and everyone’s errors', async () => {
    const [joined, apart] = [await import('upres/webpack'), await import('#upres/plugins/webpack/index.js')];
    expect(joined.UpresPlugin).not.toBe(apart.UpresPlugin);
    expect(joined.UpresPlugin.loader).toBe(apart.UpresPlugin.loader);
    expect(joined.UpresPlugin.rules({ quality: 80 })[0]?.use).toEqual(apart.UpresPlugin.rules({ quality: 80 })[0]?.use);
    expect(() => new joined.UpresPlugin({ quality: 0 })).toThrow(UpresError);
    const { webpack } = await import('webpack');
    const plugins = [new joined.UpresPlugin(), new apart.UpresPlugin()];
    expect(() => webpack({ entry: program, plugins })).toThrow('UpresPlugin is there twice');
  });

  it('of Vite’s plugin share sources and errors with what is loaded later', async () => {
    const [vite, apart] = [await import('upres/vite'), await import('#upres/plugins/vite/index.js')];
    expect(vite.upres).not.toBe(apart.upres);
    expect(() => vite.upres({ quality: 0 })).toThrow(UpresError);
  });

  it('of the package load few files, and no engine', async () => {
    const loaded = await loadedBy('import', 'upres');
    expect(loaded.own).toContain('index.js');
    expect(loaded.own.length).toBeLessThanOrEqual(80);
    expectNoGraphWork(loaded);
    expect(loaded.packages).toEqual([]);
  });

  it.each(['vite', 'webpack', 'gulp', 'rollup', 'esbuild'])(
    'of the plugin for %s load nothing that only pictures need',
    async (tool) => {
      const loaded = await loadedBy('import', `upres/${tool}`);
      const [door, most] = joined[tool] ?? [`plugins/${tool}/index.js`, 69];
      expect(loaded.own).toContain(door);
      expect(loaded.own.length).toBeLessThanOrEqual(most);
      expectNoGraphWork(loaded);
      const forPictures = ['cacache', 'sharp', 'onnxruntime-node', 'write-file-atomic', 'semver'];
      expect(loaded.packages.filter((name) => forPictures.includes(name))).toEqual([]);
      expect(loaded.own).not.toContain('image/upscale.js');
    },
  );
});

/** The packages that a file names in imports, `import()` among them, and those that it imports in turn, as webpack follows them. */
function packagesFollowed(entries: readonly string[]): string[] {
  const files = new Set(entries.map((entry) => join(root, 'dist', entry)));
  const packages = new Set<string>();
  for (const file of files) {
    if (!file.endsWith('.js')) continue;
    for (const { fileName } of ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles) {
      if (fileName.startsWith('#upres/')) files.add(join(root, 'dist', fileName.slice('#upres/'.length)));
      else if (fileName.startsWith('.')) files.add(join(dirname(file), fileName));
      else if (!isBuiltin(fileName)) packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(fileName)![0]);
    }
  }
  return [...packages];
}

it('webpack finds all that its loaders import, or it stores no cache: nothing is named that need not be installed', () => {
  const loaders = ['plugins/webpack/loader.js', 'plugins/webpack/check-loader.js', 'plugins/next/static-image.js'];
  const followed = packagesFollowed([...loaders, 'doors/webpack.js', 'plugins/next/index.js']);
  expect(followed).toContain('sharp');
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object };
  expect(followed.filter((name) => !(name in dependencies))).toEqual([]);
});

describe('what only farms need', () => {
  it('is not loaded by a server that keeps its jobs in a folder', async () => {
    const { own, packages } = await loadedBy('server', temporaryFolder());
    expect(own).toContain('server/jobs/local-queue.js');
    expect(packages).toContain('fastify');
    expect(packages.filter((name) => /^(bullmq|ioredis|@aws-sdk|@smithy)/.test(name))).toEqual([]);
  });
});

describe('graphs are only read', () => {
  it('by the thread that prepares a network: never where it is used, nor when it is there already', async () => {
    const cacheFolder = temporaryFolder();
    // Threads of the pool start without the process's flags, so only the main thread is recorded.
    for (const round of ['prepares', 'finds what was prepared']) {
      const loaded = await loadedBy('network', cacheFolder);
      expect(loaded.own, round).toContain('network/pool/thread-pool.js');
      expect(loaded.packages, round).toContain('onnxruntime-node');
      expectNoGraphWork(loaded);
    }
  });

  it.each([
    // Plugins find what was made before without the rest of the cache, by what is joined to them.
    ['vite', 'doors/vite.js', 13],
    ['gulp', 'doors/gulp.js', 6],
    ['webpack', 'plugins/webpack/loader.js', 76],
  ])(
    'by builds that compute something: with all results cached, %s loads neither engine nor decoder',
    async (tool, own, most) => {
      const site = temporaryFolder();
      await sharp({ create: { width: 8, height: 8, channels: 3, background: '#28c' } })
        .png()
        .toFile(join(site, 'logo.png'));
      writeFileSync(join(site, 'index.html'), '<!doctype html><img alt="" src="logo.png?upscale=2">');
      writeFileSync(join(site, 'main.js'), "import url from './logo.png?upscale=2'; console.log(url);");
      const first = await loadedBy(tool, site);
      expect(first.own).toContain('image/upscale.js');
      const second = await loadedBy(tool, site);
      expect(second.own).toContain(own);
      expect(second.own).not.toContain('asset/cached-upscaler.js');
      expect(second.own.length).toBeLessThanOrEqual(most);
      expect(second.own).not.toContain('image/upscale.js');
      expectNoGraphWork(second);
      expect(second.packages).toContain(tool);
      expect(second.packages.filter((name) => ['onnxruntime-node', 'sharp', 'cacache'].includes(name))).toEqual([]);
    },
  );
});
