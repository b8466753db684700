import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { probe } from '#src/image/codec/probe.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const folder = fileURLToPath(new URL('../../examples/images/', import.meta.url));
const files = readdirSync(folder).filter((name) => /\.(png|jpe?g|webp|avif|gif|tiff?)$/.test(name));

/** Written as RGB, though no pixel has a colour: they come back as what they are. */
const colourless = ['brick.png', 'grass.png', 'text.png'];

test.each(files)('the sample %s keeps its format, its frames and its shape', async (name) => {
  const { format, width, height, frames, grey, depth } = await probe(folder + name);
  const result = await upscaler.upscale(folder + name, { upscale: 1.5, model: 'bicubic' });
  expect(result).toMatchObject({ format, frames, sourceWidth: width, sourceHeight: height });
  expect(await probe(result.data)).toMatchObject({
    format,
    frames,
    width: Math.round(width * 1.5),
    height: Math.round(height * 1.5),
    grey: grey || colourless.includes(name),
    depth,
  });
});
