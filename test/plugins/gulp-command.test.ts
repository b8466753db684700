import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import gulp from 'gulp';
import { describe, expect, it, vi } from 'vitest';
import { probe } from '#src/image/codec/probe.js';
import upres from 'upres/gulp';
import { makeSite, type Site } from '../asset/support/site.js';
import { runChild, type ChildResult } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';
import { threadsNow } from '../support/pool.js';
import { run } from './support/gulp.js';

const require = createRequire(import.meta.url);
const packageRoot = dirname(require.resolve('upres/package.json'));
const command = join(dirname(require.resolve('gulp')), 'bin/gulp.js');
const example = fileURLToPath(new URL('../../examples/gulp/', import.meta.url));
const weights = temporaryFolder();
process.env.UPRES_CACHE_FOLDER = weights;

/** A project that has the package and Gulp. */
function project(gulpfile: string, name = 'gulpfile.js'): Site {
  const site = makeSite();
  mkdirSync(site.path('node_modules'));
  symlinkSync(packageRoot, site.path('node_modules/upres'), 'dir');
  symlinkSync(dirname(require.resolve('gulp')), site.path('node_modules/gulp'), 'dir');
  site.file('package.json', '{ "type": "module" }');
  site.file(name, gulpfile);
  return site;
}

const runGulp = (site: Site, ...args: string[]): Promise<ChildResult> =>
  runChild(command, ['--cwd', site.root, '--no-color', ...args], { env: { UPRES_CACHE_FOLDER: weights } });

describe('the gulp command', () => {
  it('goes on watching after a picture that is damaged, however often that happens', async () => {
    const site = project(`
      import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
      import gulp from 'gulp';
      import upres from 'upres/gulp';
      const images = () => gulp.src('images/*.png', { encoding: false }).pipe(upres({ model: 'nearest' })).pipe(gulp.dest('dist'));
      // What gulp.watch does with a task at each change: run it to its end, tell its error, and wait for the next.
      const task = gulp.series(images);
      const again = (left, done) => task((error) => {
        console.log(error ? 'failed: ' + error.fileName : 'fine');
        if (left === 0) return done();
        if (left === 1) rmSync('images/bad.png');
        else writeFileSync('images/bad.png', Buffer.from([137, 80, 78, 71, 13, 10, 26, 10, left]));
        setTimeout(again, 50, left - 1, done);
      });
      export default (done) => again(4, done);
    `);
    await Promise.all(Array.from({ length: 12 }, (_, at) => site.picture(`images/p${at}.png`, 4, 4)));
    const { code, stdout, stderr, hung } = await runGulp(site);
    expect(stdout.match(/^(?:fine|failed: .*bad\.png)$/gm)?.map((line) => line.split(':')[0])).toEqual([
      'fine',
      'failed',
      'failed',
      'failed',
      'fine',
    ]);
    expect([code, hung]).toEqual([0, false]);
    // A dozen pictures share one signal: Node must see no leak.
    expect(stderr).not.toContain('MaxListeners');
  });

  it('builds, says it in one line, and ends by itself', async () => {
    const site = project(`
      import gulp from 'gulp';
      import upres from 'upres/gulp';
      export default () => gulp.src('images/**', { encoding: false })
        .pipe(upres({ upscale: [1, 2, 3], model: 'art' }))
        .pipe(gulp.dest('dist'));
    `);
    await site.picture('images/a.png', 6, 4);
    await site.picture('images/deep/b.jpg', 6, 4);
    const cold = await runGulp(site);
    expect([cold.code, cold.stderr, cold.hung]).toEqual([0, '', false]);
    expect(cold.stdout).toMatch(/\] upres: 6 pictures \(4 computed, 2 as they were\), [\d.]+ kB → [\d.]+ kB\n/);
    const files = readdirSync(site.path('dist'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('.'),
    );
    expect(files.sort()).toEqual(
      ['a.png', 'a@2x.png', 'a@3x.png', 'deep/b.jpg', 'deep/b@2x.jpg', 'deep/b@3x.jpg'].map((name) => join(name)),
    );
    expect(await probe(site.path('dist/deep/b@3x.jpg'))).toMatchObject({ width: 18, height: 12 });
    const warm = await runGulp(site);
    expect(warm.stdout).toContain('upres: 6 pictures (4 from the cache, 2 as they were)');
    expect(readdirSync(site.path('node_modules/.cache/upres'))).toContain('content-v2');
  });

  it('fails with the name of the file and what to do, and ends by itself', async () => {
    const site = project(`
      import gulp from 'gulp';
      import upres from 'upres/gulp';
      export default () => gulp.src('images/**').pipe(upres()).pipe(gulp.dest('dist'));
    `);
    const picture = await site.picture('images/a.png', 6, 4);
    const { code, hung, stdout, stderr } = await runGulp(site);
    expect([code, hung]).toEqual([1, false]);
    expect(stdout + stderr).toContain("'default' errored after");
    expect(stdout + stderr).toContain('pass { encoding: false } to src()');
    expect(stdout + stderr).toContain(`fileName: ${picture}`);
  });

  it('fails after work was under way, and ends by itself', async () => {
    const site = project(`
      import gulp from 'gulp';
      import upres from 'upres/gulp';
      export default () => gulp.src('images/**', { encoding: false }).pipe(upres({ cache: false })).pipe(gulp.dest('dist'));
    `);
    await site.picture('images/a.png', 64, 64);
    const photo = await site.picture('images/b.png', 20, 20);
    site.file('images/b.png', readFileSync(photo).subarray(0, 600));
    await site.picture('images/c.png', 300, 300);
    const { code, hung, stdout, stderr } = await runGulp(site);
    expect([code, hung]).toEqual([1, false]);
    expect(stdout + stderr).toContain(`fileName: ${photo}`);
  });

  it('can be used from CommonJS', async () => {
    const site = project(
      `
      const { src, dest } = require('gulp');
      const { default: upres } = require('upres/gulp');
      exports.default = () => src('images/**', { encoding: false }).pipe(upres({ model: 'art' })).pipe(dest('dist'));
    `,
      'gulpfile.cjs',
    );
    await site.picture('images/a.png', 6, 4);
    const { code, stderr } = await runGulp(site, '--gulpfile', site.path('gulpfile.cjs'));
    // Node says that it loads ES modules so while that is new.
    expect([code, stderr.replace(/^.*(?:ExperimentalWarning|--trace-warnings).*\n/gm, '')]).toEqual([0, '']);
    expect(readdirSync(site.path('dist'))).toEqual(['a@2x.png']);
  });
});

describe('the example', () => {
  it('builds with one command, and has every file that its pages name', async () => {
    const { code, stderr } = await runChild(command, ['--gulpfile', join(example, 'gulpfile.js')], {
      env: { UPRES_CACHE_FOLDER: weights },
    });
    expect([code, stderr]).toEqual([0, '']);
    const out = join(example, '../../out/gulp');
    const named = ['index.html', 'style.css'].flatMap((page) =>
      [...readFileSync(join(out, page), 'utf8').matchAll(/images\/[\w@.-]+/g)].map(([name]) => name),
    );
    expect(new Set(named).size).toBe(9);
    for (const name of named) expect(await probe(join(out, name))).toMatchObject({ frames: 1 });
    expect(readFileSync(join(out, 'upres-report.html'), 'utf8')).toContain('rocket@3x.jpg');
  });
});

describe('gulp.watch', () => {
  it('makes a stream for each change, on the threads of the first', async () => {
    const output = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const site = makeSite();
    const picture = await site.picture('images/a.png', 6, 4);
    const build = async (): Promise<number> => {
      const [made] = await run(picture, upres({ model: 'art', cache: site.path('cache') }));
      return (await probe(made!.contents as Buffer)).width;
    };
    const widths = [await build()];
    const threads = threadsNow().map(({ number }) => number);
    const watcher = gulp.watch(site.path('images/*'), { events: 'change', delay: 0 }, async () => {
      widths.push(await build());
    });
    await new Promise((resolve) => watcher.on('ready', resolve));
    await site.picture('images/a.png', 10, 4);
    await vi.waitFor(
      () => {
        expect(widths.at(-1)).toBe(20);
      },
      { timeout: 30_000, interval: 20 },
    );
    watcher.close();
    expect(widths[0]).toBe(12);
    expect(threadsNow().map(({ number }) => number)).toEqual(threads);
    expect(threads.length).toBeGreaterThan(0);
    output.mockRestore();
  });
});
