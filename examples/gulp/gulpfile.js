// A small site from small pictures: `npx gulp -f examples/gulp/gulpfile.js`, then look at out/gulp/index.html.
// `npx gulp -f examples/gulp/gulpfile.js develop` goes on and does the same whenever something changes.
import gulp from 'gulp';
import upres from 'upres/gulp';

const { dest, parallel, src, watch } = gulp;
const out = '../../out/gulp';
const pictures = ['rocket.jpg', 'clipart-car.png', 'brick.png'].map((name) => `../images/${name}`);

/** Each picture as it is, and with twice and three times its pixels: `rocket.jpg`, `rocket@2x.jpg`, `rocket@3x.jpg`. */
export function images() {
  return src(pictures, { encoding: false })
    .pipe(
      upres({
        upscale: [1, 2, 3],
        // Drawings have a network of their own.
        defaults: { include: '**/clipart-*', model: 'art' },
        report: `${out}/upres-report.html`,
      }),
    )
    .pipe(dest(`${out}/images`));
}

export function pages() {
  return src('site/**').pipe(dest(out));
}

const all = parallel(images, pages);
export default all;

export function develop() {
  watch([...pictures, 'site/**'], { ignoreInitial: false }, all);
}
