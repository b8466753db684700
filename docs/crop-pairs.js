// Pictures of the kinds that sites have, with their true doubles: what enlargers get wrong shows in one of them.
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { areaHalf, drawnFrom, png } from '../examples/pairs.js';

const image = (name) => fileURLToPath(new URL(`../examples/images/${name}`, import.meta.url));

const svg = (width, height, body, attributes = '') =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${attributes}>${body}</svg>`;

const words = (x, y, size, text, fill = '#1f2937', more = '') =>
  `<text x="${x}" y="${y}" font-family="DejaVu Sans, sans-serif" font-size="${size}" fill="${fill}" text-rendering="geometricPrecision" ${more}>${text}</text>`;

const strokes = (d, ink = '#222', width = 2) =>
  `<path d="${d}" fill="none" stroke="${ink}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;

const house = 'M3 10.5 12 3l9 7.5V21H3zM9 21v-8h6v8';
const letter = 'M3 5h18v14H3zM3 6l9 7 9-7';
const lens = 'M15.5 10a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0zM14 14l6 6';
const tick = 'M5 13l5 5L20 7';

const twoShapes = svg(
  120,
  60,
  '<path fill="#fff" d="M0 0h120v60H0z"/><rect x="12" y="12" width="36" height="36" rx="6" fill="#e4002b"/><circle cx="84" cy="30" r="18" fill="#0b6bcb"/>',
);

const sprite = svg(
  112,
  56,
  [house, letter, lens, tick].map((d, at) => `<g transform="translate(${2 + 28 * at} 2)">${strokes(d)}</g>`).join('') +
    ['#e53935', '#8e24aa', '#1e88e5', '#fb8c00']
      .map(
        (fill, at) =>
          `<g transform="translate(${2 + 28 * at} 30)"><rect width="24" height="24" rx="5" fill="${fill}"/>${strokes('M7 12.5l3.5 3.5 7-8', '#fff', 2.5)}</g>`,
      )
      .join(''),
);

const ui = svg(
  120,
  88,
  '<path fill="#f6f8fa" d="M0 0h120v88H0z"/><path fill="#24292f" d="M0 0h120v18H0z"/>' +
    words(6, 13, 9, 'Projects', '#fff', 'font-weight="bold"') +
    '<rect x="6.5" y="24.5" width="72" height="16" rx="4" fill="#fff" stroke="#d0d7de"/><rect x="84" y="24" width="30" height="17" rx="4" fill="#2da44e"/>' +
    words(11, 36, 8, 'Search…', '#6e7781') +
    words(90, 36, 8, 'New', '#fff', 'font-weight="bold"') +
    '<path stroke="#d0d7de" d="M6 47.5h108M6 71.5h108"/>' +
    words(6, 58, 8, 'upres', '#0969da', 'font-weight="bold"') +
    words(6, 67, 7, 'Sharp images from small', '#57606a') +
    words(6, 82, 8, 'lighthouse', '#0969da', 'font-weight="bold"'),
);

const chart = svg(
  120,
  88,
  '<path fill="#fff" d="M0 0h120v88H0z"/>' +
    words(28, 10, 8, 'Revenue (k€)', '#111', 'font-weight="bold"') +
    '<path stroke="#e5e7eb" d="M18 22.5h100M18 38.5h100M18 54.5h100M18 70.5h100"/>' +
    [75, 50, 25, 0].map((value, at) => words(3, 25 + 16 * at, 7, value, '#4b5563')).join('') +
    '<path fill="#4c78a8" d="M24 70V58h8v12zM43 70V47h8v23zM62 70V51h8v19zM81 70V36h8v34zM100 70V26h8v44z"/>' +
    strokes('M28 64 47 52 66 57 85 40 104 30', '#f58518', 1) +
    ['Jan', 'Feb', 'Mar', 'Apr', 'May'].map((month, at) => words(21 + 19 * at, 81, 7, month, '#4b5563')).join(''),
);

const map = svg(
  120,
  88,
  '<path fill="#f2efe9" d="M0 0h120v88H0z"/><path fill="#cdebb0" d="M76 6l40-6 4 34-36 6z"/><path fill="#aad3df" d="M0 64q24-14 48 2t40 2 32-12v32H0z"/>' +
    strokes('M14 0v88M60 0l8 88M100 0l4 60M0 46h120', '#fff', 3) +
    strokes('M0 30 120 16', '#e8a08c', 6) +
    strokes('M0 30 120 16', '#f9b29c', 4) +
    strokes('M0 56 120 48', '#777', 0.8).replace('/>', ' stroke-dasharray="3 2"/>') +
    words(30, 27, 8, 'Hauptstraße', '#333', 'transform="rotate(-7 30 27)" font-weight="bold"') +
    words(8, 82, 8, 'Weißer See', '#4d80b3', 'font-style="italic"'),
);

/** Without smoothing, as plotters of old draw. */
const bilevel = svg(
  120,
  88,
  '<path fill="#fff" d="M0 0h120v88H0z"/>' +
    '<g fill="none" stroke="#000"><path d="M10.5 6v70M10.5 75.5H114M8 18.5h5M8 37.5h5M8 56.5h5"/></g>' +
    ['#f00', '#f0f']
      .map(
        (ink, at) =>
          `<g fill="none" stroke="${ink}">${[0, 1, 2, 3, 4].map((ring) => `<ellipse cx="${52 + 22 * at}" cy="40" rx="${30 - 5 * ring}" ry="${24 - 4 * ring}" transform="rotate(${20 - 40 * at} ${52 + 22 * at} 40)"/>`).join('')}</g>`,
      )
      .join(''),
  'shape-rendering="crispEdges"',
);

const shadow = svg(
  112,
  72,
  '<defs><filter id="blur" x="-.5" y="-.5" width="2" height="2"><feGaussianBlur stdDeviation="5"/></filter></defs>' +
    '<rect x="16" y="18" width="80" height="40" rx="8" fill="#1e3a8a" opacity=".45" filter="url(#blur)"/><rect x="16" y="14" width="80" height="40" rx="8" fill="#fff"/>' +
    words(26, 37, 9, 'Get started', '#3b5bdb', 'font-weight="bold"'),
);

/** Two opacities of one colour, side by side: no seam is between them. */
async function alphaStep() {
  const at = (factor) => {
    const [width, height] = [40 * factor, 24 * factor];
    const pixel = (x) => (x < width / 2 ? [40, 60, 110, 90] : [40, 60, 110, 255]);
    const data = Buffer.from(Array.from({ length: width * height }, (_, index) => pixel(index % width)).flat());
    return png(data, width, height, 4);
  };
  return { name: 'alpha step', small: await at(1), double: await at(2) };
}

/** Three figures of whole pixels in three palettes. */
async function figures() {
  const rows = [
    '..xxxx..',
    '.xrrrrx.',
    '.xoooox.',
    '.xo#o#x.',
    '..xooox.',
    '.xbbbbx.',
    'xobbbbox',
    '..xb.bx.',
    '.xxx.xxx',
  ];
  const palettes = ['#b13e53', '#38b764', '#5d4ba8'];
  const rgba = (hex, alpha = 255) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)).concat(alpha);
  const [width, height] = [9 * palettes.length, rows.length];
  const pixel = (x, y) => {
    const key = rows[y][x % 9] ?? '.';
    const plain = {
      '.': rgba('#000000', 0),
      x: rgba('#1a1c2c'),
      o: rgba('#f4c095'),
      '#': rgba('#333c57'),
      b: rgba('#41a6f6'),
    };
    return key === 'r' ? rgba(palettes[Math.floor(x / 9)]) : plain[key];
  };
  const data = Array.from({ length: width * height }, (_, at) => pixel(at % width, Math.floor(at / width))).flat();
  const small = await png(Buffer.from(data), width, height, 4);
  const double = await sharp(small)
    .resize(2 * width, 2 * height, { kernel: 'nearest' })
    .png()
    .toBuffer();
  return { name: 'figures', small, double };
}

/** A part of a picture, and its half by the mean of 2×2 pixels. */
async function halved(name, file, region, store = (picture) => picture) {
  const double = await sharp(image(file)).removeAlpha().extract(region).png().toBuffer();
  return { name, small: await store(sharp(await areaHalf(double))).toBuffer(), double };
}

/** The kinds of pictures that sites have: their names, themselves, and their true doubles. */
export async function cropPairs() {
  return Promise.all([
    drawnFrom('two shapes', twoShapes),
    drawnFrom('sheet of icons', sprite),
    ...Object.entries({ house, letter, lens }).map(([name, d]) => drawnFrom(`icon: ${name}`, svg(24, 24, strokes(d)))),
    drawnFrom('interface', ui),
    drawnFrom('chart, letters', chart),
    drawnFrom('map', map),
    drawnFrom('two-level chart', bilevel),
    figures(),
    halved('texture', 'brick.png', { left: 0, top: 0, width: 192, height: 176 }),
    halved('JPEG of 85', 'coffee.jpg', { left: 40, top: 12, width: 240, height: 176 }, (half) =>
      half.jpeg({ quality: 85 }),
    ),
    drawnFrom('shadow', shadow),
    alphaStep(),
  ]);
}
