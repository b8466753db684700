import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import sharp from 'sharp';
import { Upscaler } from 'upres';

/** Pixels: the side of a picture's cell, the space between cells, and pairs in a row. */
const cell = 300;
const gap = 10;
const pairs = 3;
const paper = '#e8e8e8';

/**
 * Writes a PNG of pairs: on the left a small picture as a browser shows it at twice its size (enlarged by centred bicubic
 * interpolation), on the right what upres made of it.
 */
export async function writeContactSheet(beforeFolder, afterFolder, file) {
  const names = (await readdir(beforeFolder)).filter((name) => /\.(png|jpe?g|webp|gif|tiff?)$/.test(name)).sort();
  const interpolation = new Upscaler();
  const cells = await Promise.all(
    names.flatMap((name) => {
      const { name: stem, ext } = parse(name);
      const before = interpolation.upscale(join(beforeFolder, name), { upscale: 2, model: 'bicubic' });
      return [before.then(({ data }) => cellOf(data)), cellOf(join(afterFolder, `${stem}@2x${ext}`))];
    }),
  );
  await interpolation.dispose();
  const rows = Math.ceil(names.length / pairs);
  const pairWidth = 2 * cell + 3 * gap;
  await mkdir(dirname(file), { recursive: true });
  await sharp({
    create: { width: pairs * pairWidth + gap, height: rows * (cell + gap) + gap, channels: 3, background: paper },
  })
    .composite(
      cells.map((input, index) => {
        const pair = Math.floor(index / 2);
        const left = gap + (pair % pairs) * pairWidth + (index % 2) * (cell + gap);
        return { input, left, top: gap + Math.floor(pair / pairs) * (cell + gap) };
      }),
    )
    .png()
    .toFile(file);
}

/** The middle of a picture, pixel for pixel; a small one is enlarged by whole pixels, so that it can be seen. */
async function cellOf(input) {
  const { width, height } = await sharp(input).metadata();
  const factor = Math.max(1, Math.floor(cell / Math.max(width, height)));
  const size = { width: Math.min(cell, width * factor), height: Math.min(cell, height * factor) };
  const enlarged = await sharp(input)
    .toColourspace('srgb')
    .resize(width * factor, height * factor, { kernel: 'nearest' })
    .png()
    .toBuffer();
  const middle = await sharp(enlarged)
    .extract({
      left: Math.floor((width * factor - size.width) / 2),
      top: Math.floor((height * factor - size.height) / 2),
      ...size,
    })
    .toBuffer();
  return sharp({ create: { width: cell, height: cell, channels: 4, background: paper } })
    .composite([{ input: middle, gravity: 'centre' }])
    .png()
    .toBuffer();
}
