// Passes a site's pictures through Gulp. Arguments: site, folder for the result, cache of the plugin (left out: no plugin).
import { finished } from 'node:stream/promises';
import gulp from 'gulp';
import { factor, networks, pictureFolder } from '../site-files.js';
import { readOrder, report } from './build.js';

const { site, out, cache } = readOrder();
const plugin = cache === undefined ? undefined : (await import('upres/gulp')).default;
// As Gulp does with its file's folder.
process.chdir(site);
await report(async () => {
  const pictures = gulp.src(`${pictureFolder}/*`, { encoding: false });
  const upscaled = plugin ? pictures.pipe(plugin({ upscale: factor, cache: cache!, ...networks })) : pictures;
  const written = upscaled.pipe(gulp.dest(out));
  written.resume();
  await finished(written);
});
