import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { once } from 'node:events';
import { PassThrough, Readable, Transform } from 'node:stream';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { parseQuery, type Directives } from '#src/asset/directives.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import { probe } from '#src/image/codec/probe.js';
import gulp from 'gulp';
import type File from 'vinyl';
import upres, { type GulpOptions } from 'upres/gulp';
import { makeSite } from '../asset/support/site.js';
import { temporaryFolder } from '../support/folders.js';
import { cases } from './cases.js';
import { copySources, run, runFiles, vinyl } from './support/gulp.js';

const weights = temporaryFolder();
process.env.UPRES_CACHE_FOLDER = weights;
const images = join(temporaryFolder(), 'images');
copySources(images);
const cache = temporaryFolder();
const core = new AssetPipeline({ cache: false }, { root: images, warn: () => undefined });
afterAll(() => core.close());

let output: MockInstance<typeof process.stdout.write>;
let errorOutput: MockInstance<typeof process.stderr.write>;
beforeEach(() => {
  output = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  errorOutput = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  output.mockRestore();
  errorOutput.mockRestore();
});
/** What was printed, without the times. */
const said = (stream = output): string[] =>
  stream.mock.calls.map(([text]) =>
    String(text)
      .replace(/^\[[\d:]+\] /, '')
      .trim(),
  );

const plugin = (options: GulpOptions = {}): ReturnType<typeof upres> => upres({ cache, model: 'art', ...options });
const image = (name: string): string => join(images, name);
const names = (files: readonly { relative: string }[]): string[] => files.map(({ relative }) => relative);

/** The same words, as the options of a stream. */
function optionsFor({ upscale, width, minWidth, model, format, quality }: Directives): GulpOptions {
  return Object.fromEntries(
    Object.entries({ upscale, width, minWidth, model, format, quality }).filter(([, value]) => value !== undefined),
  );
}

describe('names', () => {
  it('of files whose bytes are of another format stay as pages ask for them', async () => {
    const folder = join(temporaryFolder(), 'misnamed');
    mkdirSync(folder, { recursive: true });
    const png = readFileSync(image('logo.png'));
    for (const name of ['a.jpg', 'b.JFIF', 'c.tif', 'd.jpe', 'E.PNG']) writeFileSync(join(folder, name), png);
    const made = await run(join(folder, '*'), plugin({ upscale: [1, 2] }));
    expect(names(made).sort()).toEqual(
      [
        'E.PNG',
        'E@2x.PNG',
        'a.jpg',
        'a@2x.jpg',
        'b.JFIF',
        'b@2x.JFIF',
        'c.tif',
        'c@2x.tif',
        'd.jpe',
        'd@2x.jpe',
      ].sort(),
    );
    for (const { relative, contents } of made) {
      expect((await probe(contents as Buffer)).format).toBe('png');
      if (!relative.includes('@')) expect(png.equals(contents as Buffer)).toBe(true);
    }
  });
});

describe('the cases of all build tools', () => {
  it.each(cases)('$name: $source?$query', async ({ source, query, files }) => {
    const directives = parseQuery(query)!;
    const made = await run(image(source), upres({ cache, ...optionsFor(directives) }));
    const found = await Promise.all(
      made.map(async ({ contents }) => {
        const { width, height, format } = await probe(contents as Buffer);
        return { width, height, format };
      }),
    );
    const sorted = (list: readonly { width: number; format: string }[]): unknown[] =>
      [...list].sort((a, b) => a.format.localeCompare(b.format) || a.width - b.width);
    expect(sorted(found)).toEqual(sorted(files));

    const plan = await core.plan(image(source), directives);
    const expected = await Promise.all(plan.variants.map((variant) => core.render(plan, variant)));
    expect(made.map(({ contents }, i) => Buffer.compare(contents as Buffer, expected[i]!.data))).toEqual(
      made.map(() => 0),
    );
  });
});

describe('names', () => {
  it('tell the density; the original passes where 1 is asked for', async () => {
    expect(names(await run(image('logo.png'), plugin()))).toEqual(['logo@2x.png']);
    expect(names(await run(image('logo.png'), plugin({ upscale: [1, 2, 3] })))).toEqual([
      'logo.png',
      'logo@2x.png',
      'logo@3x.png',
    ]);
    expect(names(await run(image('icon@2x.png'), plugin({ upscale: [1, 2] })))).toEqual(['icon@2x.png', 'icon@4x.png']);
  });

  it('stay where a width is asked for, since pages name them already', async () => {
    expect(names(await run(image('photo.jpg'), plugin({ minWidth: 10 })))).toEqual(['photo.jpg']);
    expect(names(await run(image('icon@2x.png'), plugin({ minWidth: 170 })))).toEqual(['icon@2x.png']);
    expect(names(await run(image('logo.png'), plugin({ width: 15 })))).toEqual(['logo.png']);
    expect(names(await run(image('logo.png'), plugin({ width: 8, upscale: [1, 2] })))).toEqual([
      'logo.png',
      'logo@2x.png',
    ]);
  });

  it('have the extension of the format', async () => {
    expect(names(await run(image('logo.png'), plugin({ format: ['webp', 'png'] })))).toEqual([
      'logo@2x.webp',
      'logo@2x.png',
    ]);
    expect(names(await run(image('photo.jpg'), plugin({ minWidth: 10, format: 'webp' })))).toEqual(['photo.webp']);
  });

  it('that two files would both take are an error, whichever is ready first', async () => {
    const site = makeSite();
    await site.picture('a.png', 5, 5);
    await site.picture('a.jpg', 5, 5);
    await expect(run(site.path('*'), plugin({ format: 'webp' }))).rejects.toMatchObject({
      plugin: 'upres',
      code: 'OUTPUT_COLLISION',
      message: 'a.png and a.jpg would both become a@2x.webp: give one of them another name',
    });
  });

  // gulp-rename makes a copy, and renames that.
  const copy = (file: File): File => file.clone({ contents: false });
  const same = (file: File): File => file;
  it.each<[string, (file: File) => File, (file: File) => void, string?]>([
    ['two files take behind upres are an error', same, (file) => (file.stem = file.stem.replace('@2x', '')), 'a.png'],
    ['copies of two take behind upres are an error', copy, (file) => (file.stem = 'b'), 'b.png'],
    ['are other ones behind upres are fine', same, (file) => (file.stem = `x-${file.stem}`)],
    [
      'copies have, each that of another file, are fine',
      copy,
      (file) => (file.stem = file.stem === 'a' ? 'a@2x' : 'b'),
    ],
    ['are in other folders behind upres are fine', copy, (file) => (file.dirname += `/${file.stem}`)],
  ])('that %s', async (_, given, rename, taken) => {
    const site = makeSite();
    await site.picture('a.png', 5, 5);
    const renaming = new Transform({
      objectMode: true,
      transform: (file: File, _encoding, done) => {
        const renamed = given(file);
        rename(renamed);
        done(null, renamed);
      },
    });
    const written = gulp
      .src(site.path('*.png'), { encoding: false })
      .pipe(plugin({ upscale: [1, 2] }))
      .pipe(renaming)
      .pipe(gulp.dest(site.path('out')));
    written.resume();
    const outcome = await Promise.race([
      once(renaming, 'error').then(([error]) => (error as Error).message),
      once(written, 'end').then(() => undefined),
    ]);
    expect(outcome ?? '').toContain(taken === undefined ? '' : `two files were renamed to "${taken}" behind upres`);
    expect(outcome === undefined).toBe(taken === undefined);
  });

  it('that equal files take behind upres are fine, and so are those in streams of their own', async () => {
    const site = makeSite();
    await site.picture('a.png', 5, 5);
    await site.picture('b/a.png', 5, 5);
    const upscaled = gulp.src(site.path('**/a.png'), { encoding: false }).pipe(plugin({ upscale: [1, 2] }));
    const branches = ['a.png', 'a@2x.png'].map((name) => {
      const branch = new Transform({
        objectMode: true,
        transform: (file: File, _encoding, done) => {
          const isIts = file.basename === name;
          if (isIts) file.path = join(file.base, 'a.png');
          done(null, isIts ? file : undefined);
        },
      });
      return upscaled.pipe(branch).resume();
    });
    await expect(Promise.all(branches.map((branch) => once(branch, 'end')))).resolves.toBeDefined();

    const flat = new Transform({
      objectMode: true,
      transform: (file: File, _encoding, done) => {
        file.path = join(file.base, file.basename);
        done(null, file);
      },
    });
    const all = gulp.src(site.path('**/a.png'), { encoding: false }).pipe(plugin()).pipe(flat).resume();
    await expect(once(all, 'end')).resolves.toBeDefined();
  });

  it('a picture made by hand comes out once, in place of a computed one', async () => {
    const site = makeSite();
    await site.picture('a.png', 5, 5);
    const byHand = await site.picture('a@2x.png', 10, 10, 2);
    const made = await run(site.path('*.png'), plugin({ upscale: [1, 2] }));
    expect(names(made)).toEqual(['a.png', 'a@2x.png']);
    expect(Buffer.compare(made[1]!.contents as Buffer, readFileSync(byHand))).toBe(0);
  });
});

describe('rules by path', () => {
  it('say what is different for some files', async () => {
    const options: GulpOptions = {
      upscale: 2,
      defaults: [
        { include: '**/logo.png', upscale: [1, 3] },
        { include: '**/*.jpg', minWidth: 10, format: 'webp' },
      ],
    };
    expect(names(await run([image('logo.png'), image('icon@2x.png'), image('photo.jpg')], plugin(options)))).toEqual([
      'logo.png',
      'logo@3x.png',
      'icon@4x.png',
      'photo.webp',
    ]);
  });
});

describe('the order', () => {
  it('is that of the input, however long each takes', async () => {
    const site = makeSite();
    const files = ['z.png', 'b.png', 'y.png', 'c.txt', 'a.png'];
    for (const [i, name] of files.entries()) {
      if (name.endsWith('.png')) await site.picture(name, i === 0 ? 200 : 4, i === 0 ? 200 : 4, i);
      else site.file(name, 'text');
    }
    const made = await run(
      files.map((name) => site.path(name)),
      plugin({ cache: false }),
    );
    expect(names(made)).toEqual(['z@2x.png', 'b@2x.png', 'y@2x.png', 'c.txt', 'a@2x.png']);
  });
});

describe('a file of Gulp’s', () => {
  it('keeps what it had: folders, history, time and properties of others', async () => {
    const path = image('logo.png');
    const file = vinyl(path, readFileSync(path), {
      base: join(images, '..'),
      stat: statSync(path),
      note: { by: 'others' },
    });
    const [original, twice] = await runFiles([file], plugin({ upscale: [1, 2] }));
    expect(original).toBe(file);
    expect(twice).toMatchObject({
      relative: join('images', 'logo@2x.png'),
      history: [path, image('logo@2x.png')],
      cwd: file.cwd,
      base: file.base,
      note: { by: 'others' },
    });
    expect(twice!.stat!.mtimeMs).toBe(statSync(path).mtimeMs);
    expect(twice!.stat!.size).toBe((twice!.contents as Buffer).length);
    expect(twice!.stat!.isFile()).toBe(true);
    expect(file.stat!.size).toBe(statSync(path).size);
  });

  it('passes where it has no contents, and where it is no image', async () => {
    const site = makeSite();
    const folder = vinyl(site.root, null, { stat: statSync(site.root) });
    const unread = vinyl(site.path('logo.png'), null);
    const svg = vinyl(site.path('drawing.svg'), Buffer.from('<svg/>'));
    const css = vinyl(site.path('style.css'), Readable.from(['a{}']));
    const made = await runFiles([folder, unread, svg, css], plugin());
    expect(made.map((file, i) => file === [folder, unread, svg, css][i])).toEqual([true, true, true, true]);
    expect(said()).toEqual(['upres: 2 passed untouched (drawing.svg, style.css)']);
  });

  it.each<[string, object]>([
    ['streams are not supported: leave out { buffer: false } of src()', { buffer: false, encoding: false }],
    ['Gulp has not read this image: leave out { read: false } of src()', { read: false, encoding: false }],
  ])('is refused, not passed by: %s', async (message, options) => {
    await expect(run(image('logo.png'), plugin(), options)).rejects.toMatchObject({
      plugin: 'upres',
      fileName: image('logo.png'),
      message: expect.stringContaining(message) as string,
    });
  });

  it('that another plugin has made or changed is taken as it is', async () => {
    const contents = readFileSync(image('logo.png'));
    // As a plugin leaves it that changes contents and nothing else.
    const changed = vinyl(image('changed.png'), contents, {
      stat: Object.assign(statSync(image('logo.png')), { size: 5 }),
    });
    const made = vinyl('/nowhere/made.png', contents);
    expect(names(await runFiles([changed, made], plugin()))).toEqual(['changed@2x.png', 'made@2x.png']);
  });
});

describe('files that were read as text', () => {
  it.each(['logo.png', 'photo.jpg', 'drawing.png', 'a.gif', 'a.webp', 'a.avif', 'a.tiff'])(
    '%s: says what to write instead',
    async (name) => {
      const site = makeSite();
      const path = name.startsWith('a.') ? await site.picture(name, 40, 30) : image(name);
      await expect(run(path, plugin(), {})).rejects.toMatchObject({
        plugin: 'upres',
        code: 'INPUT_CORRUPT',
        fileName: path,
        message: expect.stringContaining('pass { encoding: false } to src()') as string,
      });
      await expect(run(path, plugin())).resolves.toHaveLength(1);
    },
  );

  it('are none of our business where they are text', async () => {
    const site = makeSite();
    const css = site.file('style.css', '\ufeffa { content: "\ufffd" }');
    expect(names(await run(css, plugin(), {}))).toEqual(['style.css']);
  });
});

describe('errors', () => {
  it.each<[object, string]>([
    [{ upscal: 2 }, 'there is no option "upscal". Did you mean "upscale"?'],
    [{ upscale: 99 }, 'upscale must be a number from 1 to 8, not 99'],
    [{ upscale: '2' }, 'upscale must be a number from 1 to 8, not "2"'],
    [{ upscale: 2, minWidth: 100 }, 'minWidth stands alone'],
    [{ model: 'arts' }, 'Did you mean "art"?'],
    [{ format: 'jepg' }, 'Did you mean "jpeg"?'],
    [{ as: 'srcset' }, '"as" is for the queries of Vite and webpack'],
    [{ presets: {} }, '"presets" is for the queries of Vite and webpack'],
  ])('options that can not be, when the stream is made: %j', (options, words) => {
    expect(() => upres(options as GulpOptions)).toThrow(
      expect.objectContaining({ plugin: 'upres', message: expect.stringContaining(words) as string }) as Error,
    );
  });

  it('of a file end the stream once, with its name, and nothing comes out after it', async () => {
    const site = makeSite();
    const files = await Promise.all(['a.png', 'b.png', 'c.png'].map((name) => site.picture(name, 6, 6)));
    writeFileSync(files[1]!, readFileSync(files[1]!).subarray(0, 70));
    const stream = plugin();
    const events: string[] = [];
    stream.on('data', ({ relative }: { relative: string }) => events.push(relative));
    stream.on('end', () => events.push('end'));
    await new Promise<void>((resolve) => {
      stream.on('error', (error) => {
        events.push(`${error.name}: ${basename((error as Error & { fileName: string }).fileName)}`);
      });
      stream.on('close', resolve);
      for (const file of files) stream.write(vinyl(file, readFileSync(file)));
      stream.end();
    });
    expect(events).toEqual(['a@2x.png', 'UpresError: b.png']);
  });

  it('are no end where the options say what takes the place of a file', async () => {
    const site = makeSite();
    const photo = await site.picture('a.png', 20, 20);
    writeFileSync(photo, readFileSync(photo).subarray(0, 600));
    const made = await run(photo, plugin({ onError: 'original' }));
    expect(names(made)).toEqual(['a@2x.png']);
    expect(Buffer.compare(made[0]!.contents as Buffer, readFileSync(photo))).toBe(0);
    expect(said(errorOutput)).toEqual([expect.stringContaining(`upres: ${photo}: `)]);
    expect(said()).toEqual([expect.stringContaining('1 left as they were after an error')]);
  });

  it('reach the next stream, since Gulp 5 drops those in the middle, unless there is a listener', async () => {
    const site = makeSite();
    const picture = site.file('a.png', 'no picture');
    const last = gulp
      .src(picture, { encoding: false })
      .pipe(plugin())
      .pipe(gulp.dest(site.path('dist')));
    const told = await new Promise((resolve) => last.on('error', resolve));
    expect(told).toMatchObject({ plugin: 'upres', fileName: picture, code: 'UNSUPPORTED_FORMAT' });

    const listened = plugin();
    const heard = new Promise((resolve) => listened.on('error', resolve));
    const unaware = gulp
      .src(picture, { encoding: false })
      .pipe(listened)
      .pipe(gulp.dest(site.path('dist')));
    const errors: unknown[] = [];
    unaware.on('error', (error) => errors.push(error));
    expect(await heard).toMatchObject({ plugin: 'upres', fileName: picture });
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([]);
  });

  const failing = (): Transform =>
    new Transform({
      objectMode: true,
      transform: (_file, _encoding, done) => {
        done(new Error('in front'));
      },
    });
  it.each<[string, string, () => NodeJS.ReadableStream]>([
    ['a file that is not there', 'File not found', () => gulp.src(image('none.png'))],
    ['the plugin in front', 'in front', () => gulp.src(image('logo.png')).pipe(failing())],
    [
      'a plugin behind another',
      'in front',
      () =>
        gulp
          .src(image('logo.png'))
          .pipe(new PassThrough({ objectMode: true }))
          .pipe(failing()),
    ],
  ])('of %s reach the next stream, too, unless there is a listener', async (_, message, source) => {
    const task = (front: NodeJS.ReadableStream): NodeJS.ReadWriteStream =>
      front.pipe(plugin()).pipe(gulp.dest(temporaryFolder()));
    const last = task(source());
    expect(String(await new Promise((resolve) => last.on('error', resolve)))).toContain(message);

    const front = source();
    const heard = new Promise((resolve) => front.on('error', resolve));
    const errors: unknown[] = [];
    task(front).on('error', (error) => errors.push(error));
    expect(String(await heard)).toContain(message);
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([]);
  });

  it('of streams behind it stop the work', async () => {
    const stream = plugin({ cache: false });
    const path = image('photo.jpg');
    stream.write(vinyl(path, readFileSync(path)));
    await new Promise<void>((resolve) => {
      stream.on('close', resolve);
      stream.destroy();
    });
    // The threads are free at once for whoever comes next.
    expect(names(await run(image('logo.png'), plugin({ cache: false })))).toEqual(['logo@2x.png']);
  });
});

describe('what is said', () => {
  const { argv } = process;
  afterEach(() => {
    process.argv = argv;
  });

  it('is one line', async () => {
    await run([image('logo.png'), image('photo.jpg')], plugin({ upscale: [1, 2] }));
    expect(said()).toEqual([expect.stringMatching(/^upres: 4 pictures \(.*2 as they were\), [\d.]+ kB → [\d.]+ kB$/)]);
    expect(output.mock.calls[0]![0]).toMatch(/^\[\d\d:\d\d:\d\d\] upres: .*\n$/);
  });

  it.each(['--silent', '-S'])('is nothing with %s', async (flag) => {
    process.argv = [...argv, flag];
    await run(image('logo.png'), plugin());
    expect(said()).toEqual([]);
  });

  it('is one line for each file with --verbose', async () => {
    process.argv = [...argv, '--verbose'];
    await run([image('logo.png'), join(images, '../none.css')], plugin(), { encoding: false, allowEmpty: true });
    expect(said()).toEqual([
      expect.stringMatching(/^upres: logo@2x\.png +10×10 → 20×20/),
      expect.stringContaining('1 picture'),
    ]);
  });

  it('is a page with before and after where the options ask for it', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'reports'));
    const report = join(folder, 'reports/page.html');
    await run(image('logo.png'), plugin({ report }));
    expect(readFileSync(report, 'utf8')).toContain('logo@2x.png');
  });

  it('is nothing where nothing came in', async () => {
    await runFiles([], plugin());
    expect(said()).toEqual([]);
  });
});

describe('the cache', () => {
  it('gives a second stream the same bytes, and computes nothing', async () => {
    const fresh = temporaryFolder();
    const first = await run(image('*'), plugin({ cache: fresh, upscale: [1, 2] }));
    const second = await run(image('*'), plugin({ cache: fresh, upscale: [1, 2] }));
    expect(
      second.map(({ contents, relative }, i) => [
        relative,
        Buffer.compare(contents as Buffer, first[i]!.contents as Buffer),
      ]),
    ).toEqual(names(first).map((name) => [name, 0]));
    expect(said()).toEqual([expect.stringContaining('4 computed'), expect.stringContaining('4 from the cache')]);
  });
});
