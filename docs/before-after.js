// Makes the README's picture: details of sample pictures as a browser enlarges them, and as upres does.
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Upscaler } from 'upres';

/** What is shown of each picture, in pixels of the source. */
const details = [
  { file: 'chelsea.webp', model: 'natural', left: 75, top: 20, width: 100, height: 80 },
  { file: 'clipart-sailing.png', model: 'art', left: 15, top: 78, width: 100, height: 80 },
  { file: 'clipart-icon.png', model: 'art', left: 30, top: 0, width: 100, height: 80 },
];
const factor = 4;
const gap = 8;

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const upscaler = new Upscaler();

async function cell({ file, left, top, width, height }, model) {
  const flat = await sharp(path(`../examples/images/${file}`))
    .flatten({ background: 'white' })
    .png()
    .toBuffer();
  const { data } = await upscaler.upscale(flat, { upscale: factor, model });
  const region = { left: left * factor, top: top * factor, width: width * factor, height: height * factor };
  return sharp(data).extract(region).png().toBuffer();
}

const width = details[0].width * factor;
const height = details[0].height * factor;
const rows = await Promise.all([
  ...details.map((detail) => cell(detail, 'bicubic')),
  ...details.map((detail) => cell(detail, detail.model)),
]);
await upscaler.dispose();
await sharp({
  create: {
    width: details.length * (width + gap) - gap,
    height: 2 * height + gap,
    channels: 3,
    background: '#ffffff',
  },
})
  .composite(
    rows.map((input, index) => ({
      input,
      left: (index % details.length) * (width + gap),
      top: Math.floor(index / details.length) * (height + gap),
    })),
  )
  .png({ palette: true, quality: 95 })
  .toFile(path('before-after.png'));
