import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Transform } from 'node:stream';
import { fileURLToPath } from 'node:url';
import gulp from 'gulp';
import type File from 'vinyl';
import { sources } from '../cases.js';

/** The class that Gulp itself makes its files of. */
export const Vinyl = createRequire(createRequire(import.meta.url).resolve('gulp'))('vinyl') as typeof File;

const images = fileURLToPath(new URL('../../../examples/images/', import.meta.url));

/** Puts the pictures of the cases into a folder. */
export function copySources(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, image] of Object.entries(sources)) copyFileSync(join(images, image), join(folder, name));
}

/** What comes out of a plugin for what `gulp.src` reads; rejects with the error that any of the streams emits. */
export function run(
  globs: string | string[],
  plugin: Transform,
  options: object = { encoding: false },
): Promise<File[]> {
  return collect(gulp.src(globs, options), plugin);
}

/** What comes out for files that are in memory. */
export function runFiles(files: readonly File[], plugin: Transform): Promise<File[]> {
  for (const file of files) plugin.write(file);
  plugin.end();
  return collect(undefined, plugin);
}

function collect(from: NodeJS.ReadableStream | undefined, plugin: Transform): Promise<File[]> {
  return new Promise((resolve, reject) => {
    const files: File[] = [];
    from?.on('error', reject);
    (from ? from.pipe(plugin) : plugin)
      .on('error', reject)
      .on('data', (file: File) => files.push(file))
      .on('end', () => {
        resolve(files);
      });
  });
}

/** A file as `gulp.src` would give it. */
export function vinyl(path: string, contents: Buffer | NodeJS.ReadableStream | null, more: object = {}): File {
  return new Vinyl({ cwd: dirname(path), base: dirname(path), path, contents, ...more } as { contents: null });
}
