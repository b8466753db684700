import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import upres, { type NextConfigLike, type UpresNextOptions } from 'upres/next';
import webpack from 'webpack';
import { describe, expect, it } from 'vitest';
import { parseQuery } from '#src/asset/directives.js';
import { temporaryFolder } from '../support/folders.js';
import { cases } from './cases.js';
import { coreBytes, makeSite } from './support/vite-site.js';
import { makeSite as makeWebpackSite } from './support/webpack.js';

/* Real sites, with a browser: `npm run frameworks next next-webpack`. */

const cache = temporaryFolder();
const address = 'UPRES_NEXT_SOCKET';

interface Rule {
  readonly condition: unknown;
  readonly loaders: readonly { loader: string; options: { options: unknown; root: string; identity: string } }[];
  readonly type?: string;
  readonly as?: string;
}

/** The rules for images, which come first. */
function rulesOf(options: UpresNextOptions = {}, config: NextConfigLike = {}): Rule[] {
  const { turbopack } = upres({ cache, ...options })(config);
  return Object.values(turbopack!.rules!)[0] as Rule[];
}

/** Whether Turbopack would take a rule, by the conditions of its documentation. */
function holds(condition: unknown, file: string, query: string): boolean {
  const { all, any, not, ...other } = condition as Record<string, unknown[]>;
  const { query: words, path } = other as { query?: RegExp; path?: RegExp };
  return (
    (!all || all.every((one) => holds(one, file, query))) &&
    (!any || any.some((one) => holds(one, file, query))) &&
    (!not || !holds(not, file, query)) &&
    (!words || words.test(query)) &&
    (!path || path.test(file))
  );
}

interface Loaded {
  readonly result: Buffer | undefined;
  readonly error: Error | undefined;
  readonly dependencies: readonly string[];
}

/** Runs the loader as Turbopack does, without a compiler. */
async function load(file: string, query: string, rules: readonly Rule[] = rulesOf()): Promise<Loaded> {
  const { loader, options } = rules[0]!.loaders[0]!;
  const { default: run, raw } = (await import(loader)) as { default: (this: unknown) => void; raw: boolean };
  expect(raw).toBe(true);
  const dependencies: string[] = [];
  return new Promise((resolve) => {
    run.call({
      resourcePath: file,
      resourceQuery: `?${query}`,
      getOptions: () => JSON.parse(JSON.stringify(options)) as unknown,
      addDependency: (path: string) => dependencies.push(path),
      async: () => (error: Error | null, result?: Buffer) => {
        resolve({ result, error: error ?? undefined, dependencies });
      },
    });
  });
}

describe('the configuration', () => {
  it('keeps what is there, whether it is an object or a function', async () => {
    const own = [{ loaders: ['x'] }];
    const config = { reactStrictMode: true, turbopack: { root: '/', rules: { '*.svg': own } } };
    const made = upres({ cache })(config);
    expect(made).toMatchObject({ reactStrictMode: true, turbopack: { root: '/', rules: { '*.svg': own } } });
    const later = upres({ cache })((phase: string) => Promise.resolve({ ...config, env: { phase } }));
    expect(await later('build')).toMatchObject({ env: { phase: 'build' }, turbopack: { rules: { '*.svg': own } } });
    expect(upres({ cache })()).toHaveProperty('turbopack.rules');
    for (const [given, wanted] of [
      [undefined, ['upres']],
      [['a'], ['a', 'upres']],
      [
        ['upres', 'a'],
        ['upres', 'a'],
      ],
    ] as const) {
      expect(upres({ cache })({ serverExternalPackages: given })).toMatchObject({ serverExternalPackages: wanted });
    }
  });

  it('calls the project’s own functions', async () => {
    const called: string[] = [];
    const made = upres({ cache })<NextConfigLike>({
      webpack: (config: object) => ({ ...config, plugins: [called.push('webpack')] }),
      compiler: {
        runAfterProductionCompile() {
          called.push('compiled');
          return Promise.resolve();
        },
      },
    });
    const context = { dev: false, isServer: false };
    const config = made.webpack!({ plugins: [] } as never, context as never) as { plugins: unknown[] };
    expect(config.plugins).toHaveLength(3);
    await made.compiler!.runAfterProductionCompile!({ projectDir: cache, distDir: cache } as never);
    expect(called).toEqual(['webpack', 'compiled']);
  });

  it('refuses what can’t be', () => {
    expect(() => upres({ qualty: 80 } as UpresNextOptions)).toThrow('quality');
    expect(() => upres()(upres()({}))).toThrow('twice');
    // Next writes its configuration into the server that it builds.
    const remote = 'https://team/';
    for (const [secret, name] of [
      [{ remote, token: 'x' }, 'UPRES_REMOTE_CACHE_TOKEN'],
      [{ remote, key: 'x' }, 'UPRES_REMOTE_CACHE_KEY'],
      [{ remote: 'https://a:b@team/' }, 'UPRES_REMOTE_CACHE '],
    ] as const) {
      expect(() => upres({ cache: secret })).toThrow(`set ${name}`);
    }
    expect(() => upres({ cache: { remote } })).not.toThrow();
  });

  it.each([
    ['photo.png', '', []],
    ['photo.png', '?upscale=false', []],
    ['photo.png', '?noupscale=2', []],
    ['photo.png', '?upscale=2', ['image']],
    ['photo.png', '?upscale', ['image']],
    ['photo.png', '?width=5&upscale', ['image']],
    ['photo.png', '?upscale=2&as=url', ['asset']],
    ['photo.png', '?upscale=1;2&as=img', ['ecmascript']],
    ['photo.png', '?upscale&preset=both', ['ecmascript']],
    ['photo.png', '?upscale&preset=one', ['image']],
    ['photo.png', '?upscale=2&format=webp', ['*.upres.webp']],
    ['photo.jpeg', '?upscale=2&format=jpg', ['image']],
    ['photo.png', '?upscale=2&format=jpg&as=url', ['*.upres.jpg']],
    ['photo.png', '?upscale=1;2&format=png;webp&as=picture', ['ecmascript']],
    ['photo.png', '?upscale&preset=webp', ['*.upres.webp']],
    ['photo.png', '?upscale&preset=webp&format=png', ['image']],
    ['photo.png', '?upscale&preset=webp&format=avif&as=url', ['*.upres.avif']],
    ['photo.webp', '?upscale&preset=webp&as=url', ['asset']],
    // As cameras call them, which Turbopack doesn't know.
    ['PHOTO.JPG', '?upscale=2', ['*.upres.jpg']],
    ['PHOTO.JPG', '?upscale=2&format=jpeg&as=url', ['*.upres.jpg']],
    ['PHOTO.PNG', '?upscale&preset=webp', ['*.upres.webp']],
    ['PHOTO.PNG', '?upscale&preset=one', ['*.upres.png']],
    ['PHOTO.PNG', '?upscale=1;2&as=img', ['ecmascript']],
    // What has been made already.
    ['PHOTO.JPG.upres.jpg', '?upscale=2', []],
    ['photo.png.upres.webp', '?upscale=2&format=webp', []],
    ['photo.png.webp', '?upscale=2', ['image']],
  ])('has one rule for %s%s: %j', (file, query, wanted) => {
    const rules = rulesOf({ presets: { both: 'upscale=1;2&as=srcset', one: 'upscale=3', webp: 'format=webp' } });
    const found = rules.filter(({ condition }) => holds(condition, `/site/${file}`, query));
    expect(found.map(({ type, as }) => type ?? as ?? 'image')).toEqual(wanted);
  });
});

describe('the loader of Turbopack', () => {
  it('gives the core’s bytes, whether the first process answers or it has to do so itself', async () => {
    const site = await makeSite();
    const socket = (rulesOf(), process.env[address]);
    expect(socket).toBeDefined();
    try {
      for (const where of [socket!, site.path('nowhere'), undefined]) {
        if (where === undefined) Reflect.deleteProperty(process.env, address);
        else process.env[address] = where;
        for (const { source, query, value } of cases.filter((one) => one.value === '{0}')) {
          const { result, error, dependencies } = await load(site.path(source), query);
          expect(error, query).toBeUndefined();
          const [bytes] = (await coreBytes(site, source, query)).values();
          expect(result!.equals(bytes!), `${query} ${JSON.stringify(value)}`).toBe(true);
          expect(dependencies).toContain(site.path(source));
        }
      }
    } finally {
      process.env[address] = socket;
    }
  });

  it('gives code that imports each file once', async () => {
    const site = await makeSite();
    const { result } = await load(site.path('logo.png'), 'upscale=1;2&as=img');
    const requests = [...result!.toString().matchAll(/from "\.\/logo\.png\?([^"]+)"/g)].map(([, query]) => query!);
    expect(requests.map((query) => parseQuery(query))).toMatchObject([
      { upscale: [1], as: 'url' },
      { upscale: [2], as: 'url' },
    ]);
  });

  it('names the file in errors, and looks again when it is mended or a picture made by hand appears', async () => {
    const site = await makeSite({ 'bad.png': 'no picture' });
    const bad = await load(site.path('bad.png'), 'upscale=2');
    expect(bad.error!.message).toContain('bad.png?upscale=2: ');
    expect(bad.dependencies).toContain(site.path('bad.png'));
    const unknown = await load(site.path('logo.png'), 'upscale=2&qualty=3');
    expect(unknown.error!.message).toMatch(/logo\.png\?upscale=2&qualty=3: .*quality/);
    expect((await load(site.path('logo.png'), 'upscale=2')).dependencies).toContain(site.path('logo@2x.png'));
  });
});

it('gives next/image what it takes, with webpack, and puts the server’s files where browsers find them', async () => {
  const site = makeWebpackSite();
  site.write(
    'src/main.js',
    `import image from './drawing.png?upscale=2&model=art'; import tall from './tall.png?upscale=2&model=art';
     import url from './drawing.png?upscale=2&model=art&as=url'; import set from './drawing.png?upscale=1;2&model=art&as=srcset';
     const place = new URL('./drawing.png?upscale=2&model=art', import.meta.url);
     export { image, tall, url, set }; export const href = place.pathname;`,
  );
  await sharp(site.path('src/drawing.png')).resize(10, 40).toFile(site.path('src/tall.png'));
  const config = upres({ cache })({}) as unknown as {
    webpack: (given: webpack.Configuration, context: object) => webpack.Configuration;
  };
  const base: webpack.Configuration = {
    mode: 'production',
    context: site.folder,
    entry: './src/main.js',
    target: 'node',
    output: {
      path: site.path('dist/server/chunks'),
      publicPath: '/_next/',
      filename: 'main.js',
      library: { type: 'commonjs2' },
    },
    module: { generator: { asset: { filename: 'static/media/[name].[hash:8][ext]' } } },
    plugins: [],
  };
  const compiler = webpack(config.webpack(base, { dev: false, isServer: true, nextRuntime: 'nodejs' }));
  const stats = await new Promise<webpack.Stats>((resolve, reject) => {
    compiler.run((error, done) => {
      compiler.close(() => {
        if (error) reject(error);
        else resolve(done!);
      });
    });
  });
  expect(stats.toJson({ all: false, errors: true, warnings: true })).toMatchObject({ errors: [], warnings: [] });
  const { image, tall, url, set, href } = site.exported('dist/server/chunks/main.js');
  expect(image).toMatchObject({ src: url, width: 320, height: 174, blurWidth: 8, blurHeight: 4 });
  expect(tall).toMatchObject({ width: 20, height: 80, blurWidth: 2, blurHeight: 8 });
  expect(String(set)).toMatch(/^\/_next\/static\/media\/drawing\.[\da-f]{8}\.png 1x, .* 2x$/);
  expect(set).toContain(url);
  expect(href).toBe(url);
  const file = readFileSync(site.path('dist', String(url).replace('/_next/', '')));
  expect(await sharp(file).metadata()).toMatchObject({ width: 320, height: 174 });
  const { blurDataURL } = image as { blurDataURL: string };
  const blur = await sharp(Buffer.from(blurDataURL.split(',')[1]!, 'base64')).metadata();
  expect(blur).toMatchObject({ width: 8, height: 4, format: 'png' });
});

it('tells directives that are left in a built site', async () => {
  const site = await makeSite({
    '.next/static/a.css': 'p { background: image-set("../logo.png" 1x, "../logo.png?upscale=3" 2x) }',
    '.next/server/b.js': 'x = "/docs/public.png?upscale=2"; y = "/docs/nowhere.png?upscale=2"',
    '.next/server/c.js': 'x = `/docs/icons/${a}.png?upscale=2`; y = `/docs/nowhere/${a}.png?upscale=2`',
  });
  await site.copy('palette.png', 'public/public.png');
  await site.copy('palette.png', 'public/icons/one.png');
  const facts = { projectDir: site.folder, distDir: site.path('.next') } as never;
  const run = async (options: UpresNextOptions): Promise<void> => {
    const { compiler } = upres({ cache, ...options })<NextConfigLike>({ basePath: '/docs' });
    await compiler!.runAfterProductionCompile!(facts);
  };
  const failing = await run({}).catch((error: unknown) => (error as Error).message);
  expect(failing).toContain('"../logo.png?upscale=3" is still in .next/static/a.css');
  expect(failing).toContain('"/docs/public.png?upscale=2" is still in .next/server/b.js');
  expect(failing).toContain('"/docs/icons/${a}.png?upscale=2" is still in .next/server/c.js');
  expect(failing).not.toContain('nowhere');
  await run({ leftovers: 'ignore' });
});
