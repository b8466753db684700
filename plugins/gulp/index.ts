/**
 * The plugin for Gulp.
 * @module upres/gulp
 */
import type { Transform } from 'node:stream';
import { AssetPipeline } from '#upres/asset/pipeline.js';
import through2 from 'through2';
import type File from 'vinyl';
import { asPluginError, pluginError } from './errors.js';
import { inOrder } from './in-order.js';
import { gulpLog } from './log.js';
import { readOptions, type GulpOptions } from './options.js';
import { OutputNames } from './output-names.js';
import { tellNext } from './tell-next.js';
import { Variants } from './variants.js';

export type { GulpOptions } from './options.js';

/**
 * A Gulp plugin: images go in, and as many files as were asked for come out.
 *
 * ```js
 * src('images/**', { encoding: false }).pipe(upres({ upscale: [1, 2, 3] })).pipe(dest('dist'))
 * ```
 *
 * Several files are worked on at once; they come out in the order in which they went in. What is not named as a PNG, JPEG,
 * WebP, AVIF, GIF or TIFF passes untouched.
 *
 * @throws PluginError for options that don't exist or can't be; for a file that fails, the stream emits one
 */
export function upres(options: GulpOptions = {}): Transform {
  const log = gulpLog();
  const { directives, assetOptions } = asPluginError(undefined, () => readOptions(options));
  // Never closed: the threads stay for the next stream, as in `gulp.watch`, and an idle one does not keep the process alive.
  const pipeline = asPluginError(
    undefined,
    () => new AssetPipeline(assetOptions, { root: process.cwd(), warn: log.warn }),
  );
  const stop = new AbortController();
  const names = new OutputNames();

  const stream = through2.obj(async function* (files: AsyncIterable<File>): AsyncGenerator<File> {
    const variants = new Variants(pipeline, directives, stop.signal);
    try {
      for await (const [file, made] of inOrder(files, (each) => variants.of(each))) {
        for (const output of made) if (await names.take(output, file)) yield output.file;
      }
      for (const file of variants.earlier) if (!names.has(file)) yield file;
      await log.summary(pipeline, variants.untouched);
    } catch (error) {
      const failure = pluginError(error, undefined);
      fail(failure);
      throw failure;
    } finally {
      stop.abort();
    }
  }) as Transform;
  const fail = tellNext(stream, () => names.renamed());
  // A stream downstream failed: no one takes what is under way.
  stream.once('close', () => {
    stop.abort();
  });
  return stream;
}

export default upres;

/**
 * What `require()` gives: the function itself, and what `import` finds by name.
 * @hidden
 */
const required = Object.assign(upres, { upres, default: upres });
export { required as 'module.exports' };
