// Pictures whose true double is known: drawn from SVG at both sizes, reduced from a larger photograph, or painted in whole pixels.
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Upscaler } from 'upres';

const paper = '#ffffff';
const cell = { width: 240, height: 176 };
const gap = 12;
const caption = 26;
const labelWidth = 110;

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** An SVG as it is drawn at 1× and at 2×. */
export async function drawnFrom(name, svg) {
  const at = (factor) =>
    sharp(Buffer.from(svg), { density: 72 * factor })
      .png()
      .toBuffer();
  return { name, small: await at(1), double: await at(2) };
}

const drawn = (name) => drawnFrom(name, readFileSync(path(`pairs/${name}.svg`)));

/** A part of a photograph, and its area average. */
async function photographed() {
  const double = await sharp(path('images/astronaut.png'))
    .extract({ left: 40, top: 20, width: 160, height: 120 })
    .png()
    .toBuffer();
  return { name: 'photograph', small: await areaHalf(double), double };
}

/** Half of a picture without transparency: the mean of 2×2 pixels each. */
export async function areaHalf(double) {
  const { data, info } = await sharp(double).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const width = info.width / 2;
  const height = info.height / 2;
  const mean = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const value = (dx, dy) => data[((2 * y + dy) * info.width + 2 * x + dx) * 3 + c];
        mean[(y * width + x) * 3 + c] = Math.round((value(0, 0) + value(1, 0) + value(0, 1) + value(1, 1)) / 4);
      }
    }
  }
  return png(mean, width, height, 3);
}

const sprite = [
  '................',
  '.....xxxxxx.....',
  '....xoooooox....',
  '...xoooooooox...',
  '...xo#oooo#ox...',
  '...xo#oooo#ox...',
  '...xoooooooox...',
  '...xoo####oox...',
  '....xooooooox...',
  '...xxxxxxxxxx...',
  '..xrrrrrrrrrrx..',
  '.xrxrrryyrrrxrx.',
  '.xox.rryyrr.xox.',
  '..x..xrrrrx..x..',
  '....xbbxxbbx....',
  '....xxx..xxx....',
];
const colours = {
  '.': [0, 0, 0, 0],
  x: [34, 32, 52, 255],
  o: [238, 195, 154, 255],
  '#': [105, 61, 50, 255],
  r: [217, 87, 99, 255],
  y: [251, 242, 54, 255],
  b: [63, 63, 116, 255],
};

async function painted() {
  const side = sprite.length;
  const small = await png(Buffer.from(sprite.flatMap((row) => [...row].flatMap((key) => colours[key]))), side, side, 4);
  const double = await sharp(small)
    .resize(2 * side, 2 * side, { kernel: 'nearest' })
    .png()
    .toBuffer();
  return { name: 'pixel art', small, double };
}

export const png = (data, width, height, channels) =>
  sharp(data, { raw: { width, height, channels } }).png().toBuffer();

/** The pictures: their names, themselves, and their true doubles, as PNG. */
export async function pairs() {
  const drawings = await Promise.all(['icon', 'badge', 'logo', 'chart'].map(drawn));
  return [...drawings, await photographed(), await painted()];
}

/**
 * Writes a PNG with a row for each picture: enlarged by each model, and at last its true double.
 * @param models labels; `auto` tells what it chose
 */
export async function writePairs(file, models, all) {
  const upscaler = new Upscaler();
  const rows = await Promise.all(
    all.map(async ({ name, small, double }) => {
      const made = await Promise.all(
        models.map(async (model) => {
          const result = await upscaler.upscale(small, { upscale: 2, model });
          return { title: model === 'auto' ? `auto: ${result.model}` : model, data: result.data };
        }),
      );
      return { name, cells: [...made, { title: 'the true 2×', data: double }] };
    }),
  );
  await upscaler.dispose();
  const rowHeight = caption + cell.height + gap;
  const layers = rows.flatMap(({ name, cells }, y) => [
    { input: words(name, labelWidth), left: 0, top: y * rowHeight + caption + cell.height / 2 - 13 },
    ...cells.flatMap(({ title, data }, x) => {
      const left = labelWidth + x * (cell.width + gap);
      return [
        { input: words(title, cell.width), left, top: y * rowHeight },
        enlarged(data).then((input) => ({ input, left, top: y * rowHeight + caption })),
      ];
    }),
  ]);
  await mkdir(dirname(file), { recursive: true });
  await sharp({
    create: {
      width: labelWidth + (models.length + 1) * (cell.width + gap),
      height: all.length * rowHeight,
      channels: 3,
      background: paper,
    },
  })
    .composite(await Promise.all(layers))
    .png({ palette: true, quality: 95 })
    .toFile(file);
}

/** Enlarged by whole pixels, so that they can be seen, on a light ground; the middle of what is too large. */
async function enlarged(data) {
  const { width, height } = await sharp(data).metadata();
  const factor = Math.max(1, Math.floor(Math.min(cell.width / width, cell.height / height)));
  const shown = { width: Math.min(cell.width, width * factor), height: Math.min(cell.height, height * factor) };
  const large = await sharp(data)
    .resize(width * factor, height * factor, { kernel: 'nearest' })
    .png()
    .toBuffer();
  const middle = await sharp(large)
    .extract({
      left: Math.floor((width * factor - shown.width) / 2),
      top: Math.floor((height * factor - shown.height) / 2),
      ...shown,
    })
    .toBuffer();
  // A picture of its own: sharp would make the ground of a grey one grey.
  const ground = await sharp({ create: { ...shown, channels: 3, background: '#eef2f7' } })
    .png()
    .toBuffer();
  return sharp({ create: { ...cell, channels: 3, background: paper } })
    .composite([ground, middle].map((input) => ({ input, gravity: 'northwest' })))
    .png()
    .toBuffer();
}

const words = (text, width) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${caption}"><text x="2" y="18" font-family="DejaVu Sans, sans-serif" font-size="14" fill="#222">${text}</text></svg>`,
  );
