/**
 * The plugin for Gulp.
 * @module upres/gulp
 */
import type { Transform } from 'node:stream';
import { AssetPipeline } from '#upres/asset/pipeline.js';
import type PluginError from 'plugin-error';
import through2 from 'through2';
import type File from 'vinyl';
import { asPluginError, pluginError } from './errors.js';
import { InOrder } from './in-order.js';
import { gulpLog } from './log.js';
import { readOptions, type GulpOptions } from './options.js';
import { OutputNames, type Output } from './output-names.js';
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
  const variants = new Variants(pipeline, directives, stop.signal);
  const give = (outputs: readonly Output[]): void => {
    if (stream.destroyed) return;
    for (const output of outputs) if (names.take(output)) stream.push(output.file);
  };
  const work = new InOrder(give);

  // What is found at once is given at once: for small files that were made before, promises would take longer than all else.
  const giveAtOnce = (file: File): boolean => {
    const made = work.giveReady() ? variants.atOnce(file) : undefined;
    if (made) give(made);
    return made !== undefined;
  };
  const take = async (file: File): Promise<void> => {
    await variants.getReady(file);
    if (!giveAtOnce(file)) await work.add(variants.of(file));
  };
  const end = async (): Promise<void> => {
    await work.end();
    for (const file of variants.earlier) if (!names.has(file)) stream.push(file);
    await log.summary(pipeline, variants.untouched);
  };
  const told = (error: unknown): PluginError => {
    stop.abort();
    const failure = pluginError(error, undefined);
    fail(failure);
    return failure;
  };

  const stream = through2.obj(
    (file: File, _encoding: unknown, done: Done) => {
      try {
        if (giveAtOnce(file)) done();
        else
          take(file).then(
            () => {
              done();
            },
            (error: unknown) => {
              done(told(error));
            },
          );
      } catch (error) {
        done(told(error));
      }
    },
    (done: Done) => {
      end().then(
        () => {
          done();
        },
        (error: unknown) => {
          done(told(error));
        },
      );
    },
  ) as Transform;
  const fail = tellNext(stream, () => names.renamed());
  stream.once('close', () => {
    // A stream downstream failed: no one takes what is under way.
    if (!work.isEmpty) stop.abort();
  });
  return stream;
}

type Done = (error?: Error) => void;

export default upres;

/**
 * What `require()` gives: the function itself, and what `import` finds by name.
 * @hidden
 */
const required = Object.assign(upres, { upres, default: upres });
export { required as 'module.exports' };
