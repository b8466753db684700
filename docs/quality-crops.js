// Makes the picture of docs/quality.md: details of sample pictures, enlarged four times by several networks, side by side.
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Upscaler } from 'upres';

/** What is shown of each picture, in pixels of the source, and by which models. */
const rows = [
  { file: 'chelsea.webp', left: 92, top: 30, models: ['bicubic', 'natural', 'art', 'real'] },
  { file: 'clipart-sailing.png', left: 28, top: 82, models: ['bicubic', 'natural', 'art', 'anime'] },
  { file: 'coffee.jpg', left: 150, top: 60, jpeg: 50, models: ['bicubic', 'natural', 'natural-jpeg', 'real'] },
];
const size = { width: 64, height: 48 };
/** Pixels around a detail that networks may look at. */
const context = 16;
const factor = 4;
const gap = 8;
const caption = 24;

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const upscaler = new Upscaler();

async function cell({ file, left, top, jpeg }, model) {
  const around = {
    left: left - context,
    top: top - context,
    width: size.width + 2 * context,
    height: size.height + 2 * context,
  };
  const detail = sharp(path(`../examples/images/${file}`))
    .flatten({ background: 'white' })
    .extract(around);
  const source = await (jpeg === undefined ? detail.png() : detail.jpeg({ quality: jpeg })).toBuffer();
  const { data } = await upscaler.upscale(source, { upscale: factor, model, format: 'png' });
  const region = {
    left: context * factor,
    top: context * factor,
    width: size.width * factor,
    height: size.height * factor,
  };
  return sharp(data).extract(region).png().toBuffer();
}

const width = size.width * factor;
const height = size.height * factor;
const label = (text) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${caption}"><text x="2" y="17" font-family="DejaVu Sans, sans-serif" font-size="14" fill="#222">${text}</text></svg>`,
  );
const cells = await Promise.all(
  rows.flatMap((row, y) =>
    row.models.map(async (model, x) => {
      const left = x * (width + gap);
      const top = y * (caption + height);
      const stored = row.jpeg === undefined || x > 0 ? '' : ` (JPEG of quality ${row.jpeg})`;
      return [
        { input: label(`${model}${stored}`), left, top },
        { input: await cell(row, model), left, top: top + caption },
      ];
    }),
  ),
);
await upscaler.dispose();
const columns = Math.max(...rows.map(({ models }) => models.length));
await sharp({
  create: {
    width: columns * (width + gap) - gap,
    height: rows.length * (caption + height),
    channels: 3,
    background: '#ffffff',
  },
})
  .composite(cells.flat())
  .png({ palette: true, quality: 95 })
  .toFile(path('quality-crops.png'));
