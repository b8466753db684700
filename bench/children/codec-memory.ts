// Bytes that sharp's decoders and encoders hold for each pixel: what `src/image/codec/codec-memory.ts` says of them.
//
//   node out/bench/children/codec-memory.js [megapixels]
//
// Each is measured in a process of its own, since the most that a process ever held is all that a system tells.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';

const encoders = {
  avif: (image: Sharp) => image.avif({ quality: 60, effort: 3 }),
  gif: (image: Sharp) => image.gif({ effort: 4 }),
  jpeg: (image: Sharp) => image.jpeg({ quality: 85 }),
  'jpeg, codes not fitted': (image: Sharp) => image.jpeg({ quality: 85, optimiseCoding: false }),
  png: (image: Sharp) => image.png(),
  tiff: (image: Sharp) => image.tiff({ compression: 'deflate' }),
  webp: (image: Sharp) => image.webp({ quality: 82 }),
  'webp, lossless': (image: Sharp) => image.webp({ lossless: true }),
};
type Name = keyof typeof encoders;

const [megapixels = '4', name] = process.argv.slice(2);
const side = Math.round(Math.sqrt(Number(megapixels) * 1e6));

/** The most bytes that this process has ever held. */
const mostBytes = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;

/** Noise costs encoders the most. */
function noise(): Buffer {
  let state = 1;
  const bytes = Buffer.alloc(side * side * 3);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (state = (state * 48271) % 2147483647) >> 8;
  return bytes;
}

async function held(work: () => Promise<unknown>): Promise<string> {
  const before = mostBytes();
  await work();
  return ((mostBytes() - before) / side ** 2).toFixed(1).padStart(6);
}

if (name === undefined) {
  console.log('bytes for each pixel: encoder, decoder');
  for (const each of Object.keys(encoders)) {
    const child = [fileURLToPath(import.meta.url), megapixels, each];
    process.stdout.write(execFileSync(process.execPath, child, { encoding: 'utf8' }));
  }
} else {
  sharp.concurrency(1);
  sharp.cache(false);
  const data = noise();
  const raw = { raw: { width: side, height: side, channels: 3 }, limitInputPixels: false } as const;
  await encoders[name as Name](sharp(data.subarray(0, 3), { raw: { width: 1, height: 1, channels: 3 } })).toBuffer();
  let encoded = Buffer.of();
  const encoding = await held(async () => (encoded = await encoders[name as Name](sharp(data, raw)).toBuffer()));
  // What the encoder held is held no more, but was the most: the decoder is measured in another process.
  const decoding = decoded(encoded);
  console.log(`${encoding} ${decoding}  ${name}`);
}

function decoded(bytes: Buffer): string {
  const script = `
    const sharp = require('sharp'); const { readFileSync } = require('node:fs');
    const most = () => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
    sharp.concurrency(1); sharp.cache(false);
    const bytes = readFileSync(0);
    sharp(bytes, { limitInputPixels: false }).metadata().then(async () => {
      const before = most();
      await sharp(bytes, { limitInputPixels: false }).raw().toBuffer();
      console.log(((most() - before) / ${side ** 2}).toFixed(1).padStart(6));
    });`;
  return execFileSync(process.execPath, ['-e', script], {
    input: bytes,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  }).trimEnd();
}
