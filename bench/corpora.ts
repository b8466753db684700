import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import { codedColours } from '#src/image/codec/coded-colours.js';
import { isOriented } from '#src/image/codec/formats.js';
import { readHeader } from '#src/image/codec/read-header.js';
import { UpresError } from '#src/errors.js';
import { Upscaler } from '#src/index.js';

/**
 * `npm run corpora -- FOLDER...`: runs every image below the folders through `nearest` ×2 and reduces the result again, which must give the
 * picture that sharp's plain decode gives and, where Chromium is installed, the one that it shows; of animations, every frame. Downloads nothing.
 */
interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGB with alpha, not premultiplied. */
  readonly data: Uint8Array;
}

const extensions = new Set(['.png', '.apng', '.jpg', '.jpeg', '.webp', '.avif', '.gif', '.tif', '.tiff']);
const browserPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Decoders differ in rounding and in how they spread halved colours: a picture is another one where more of it is off by more. */
const levelsOff = 8;
const shareOff = 0.01;

/** Larger pictures take long and tell nothing else. */
const largest = 4_000_000;

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== '.git') yield* filesBelow(path);
    else if (entry.isFile() && extensions.has(extname(path).toLowerCase())) yield path;
  }
}

async function decode(bytes: Uint8Array, oriented: boolean): Promise<Pixels> {
  const pipeline = sharp(bytes, { failOn: 'error', limitInputPixels: false, autoOrient: oriented });
  // Colours of 16 bits with a profile are left in Display P3 unless sharp is told where they go; without one it would take them for that.
  if ((await pipeline.metadata()).icc) pipeline.withIccProfile('srgb');
  const { data, info } = await pipeline
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/** The upper left of each four pixels, all of which `nearest` makes of one. */
function halved({ width, height, data }: Pixels): Pixels {
  const half = { width: width / 2, height: height / 2, data: new Uint8Array(data.length / 4) };
  for (let y = 0; y < half.height; y++) {
    for (let x = 0; x < half.width; x++) {
      const from = (2 * y * width + 2 * x) * 4;
      half.data.set(data.subarray(from, from + 4), (y * half.width + x) * 4);
    }
  }
  return half;
}

/** What differs, in words; undefined where nothing does. What can't be seen through its transparency counts for nothing. */
function difference(own: Pixels, other: Pixels): string | undefined {
  if (own.width !== other.width || own.height !== other.height) {
    return `${own.width}×${own.height} instead of ${other.width}×${other.height}`;
  }
  let off = 0;
  let worst = 0;
  for (let at = 0; at < own.data.length; at += 4) {
    let most = Math.abs(own.data[at + 3]! - other.data[at + 3]!);
    for (let channel = at; channel < at + 3; channel++) {
      const seen = (pixels: Pixels): number => (pixels.data[channel]! * pixels.data[at + 3]!) / 255;
      most = Math.max(most, Math.abs(seen(own) - seen(other)));
    }
    worst = Math.max(worst, most);
    if (most > levelsOff) off++;
  }
  const share = off / (own.width * own.height);
  return share > shareOff
    ? `${(share * 100).toFixed(0)} % of the pixels, by up to ${worst.toFixed(0)} levels`
    : undefined;
}

/** Run in the page: the pixels of the picture behind a URL, in base64. */
const look = `async (url, type, animated) => {
  const seen = (image, width, height) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    let text = '';
    for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
    return { width, height, data: btoa(text) };
  };
  try {
    if (!animated) {
      const image = new Image();
      image.src = url;
      await image.decode();
      return [seen(image, image.naturalWidth, image.naturalHeight)];
    }
    const decoder = new ImageDecoder({ type, data: await (await fetch(url)).arrayBuffer() });
    await decoder.tracks.ready;
    await decoder.completed;
    const frames = [];
    for (let frameIndex = 0; frameIndex < decoder.tracks.selectedTrack.frameCount; frameIndex++) {
      const { image } = await decoder.decode({ frameIndex });
      frames.push({ ...seen(image, image.displayWidth, image.displayHeight), delay: image.duration / 1000 });
      image.close();
    }
    return frames;
  } catch {
    return [];
  }
}`;

interface Shown extends Pixels {
  /** Milliseconds; undefined for a still. */
  readonly delay?: number;
}

/** What the page shows: a still, or each frame; nothing where it can't. */
async function shownBy(page: Page, bytes: Uint8Array, type: string, animated = false): Promise<Shown[]> {
  const url = `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
  const shown = await page.evaluate<(Omit<Shown, 'data'> & { readonly data: string })[]>(
    `(${look})(${JSON.stringify(url)}, ${JSON.stringify(type)}, ${animated})`,
  );
  return shown.map((frame) => ({ ...frame, data: new Uint8Array(Buffer.from(frame.data, 'base64')) }));
}

/** Milliseconds that a player shows a frame: times up to 10 are taken for none, and for 100. */
const played = ({ delay = 0 }: Shown): number => (delay > 10 ? Math.round(delay) : 100);

/** What differs between the frames of an animation and those of its result, as the page shows both. */
async function framesOff(page: Page, bytes: Uint8Array, format: string): Promise<string | undefined> {
  const shown = await shownBy(page, bytes, `image/${format}`, true);
  const { data } = await upscaler.upscale(bytes, { model: 'nearest', upscale: 2, format: 'png' });
  const own = await shownBy(page, data, 'image/png', true);
  if (own.length !== shown.length) return `${own.length} frames instead of ${shown.length}`;
  for (const [index, frame] of shown.entries()) {
    const off = difference(halved(own[index]!), frame);
    if (off !== undefined) return `frame ${index + 1}: ${off}`;
    const [told, wanted] = [own[index]!, frame].map(played);
    if (told !== wanted) return `frame ${index + 1}: ${told} ms instead of ${wanted}`;
  }
  return undefined;
}

const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error('npm run corpora -- FOLDER...');
const executablePath = browserPaths.find((path) => existsSync(path));
const browser: Browser | undefined = executablePath
  ? await chromium.launch({ executablePath, args: ['--no-sandbox', '--force-color-profile=srgb'] })
  : undefined;
const page = await browser?.newPage();
// Frames are shown to pages of a secure origin only.
await page?.route('https://corpora.test/', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
await page?.goto('https://corpora.test/');
await using upscaler = new Upscaler();
const counts = new Map<string, number>();
const lines: string[] = [];
const count = (kind: string, file?: string, words = ''): void => {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
  if (file !== undefined) lines.push(`${kind}: ${file}${words && `: ${words}`}`);
};

async function judge(file: string, name: string): Promise<void> {
  const bytes = await readFile(file);
  try {
    const header = await readHeader(bytes);
    if (header.width * header.height * header.frames > largest) {
      count('passed over: larger than 4 MP');
      return;
    }
    const { data } = await upscaler.upscale(bytes, {
      model: 'nearest',
      upscale: 2,
      format: 'png',
      animation: 'first-frame',
    });
    const own = halved(await decode(data, false));
    const type = `image/${header.format}`;
    const [shown] = page && header.format !== 'tiff' ? await shownBy(page, bytes, type) : [];
    const inBrowser = shown && difference(own, shown);
    // sharp knows nothing of colours that are told elsewhere than in a profile: there only the browser can tell.
    const decoded =
      codedColours(bytes, header.format, name) || header.bareInks
        ? undefined
        : await decode(bytes, isOriented(header.format)).catch(() => undefined);
    const plain = decoded && difference(own, decoded);
    if (inBrowser !== undefined) count('wrong: not as Chromium shows it', name, inBrowser);
    else if (plain !== undefined && shown === undefined) count('wrong: not as sharp decodes it', name, plain);
    else if (page && shown && header.frames > 1) {
      const frames = await framesOff(page, bytes, header.format);
      if (frames === undefined) count('written, each frame as Chromium shows it');
      else count('wrong: frames not as Chromium shows them', name, frames);
    } else if (plain !== undefined) count('written, as Chromium shows it, not as sharp decodes it', name, plain);
    else count(shown ? 'written, as Chromium shows it' : 'written, as sharp decodes it');
  } catch (error) {
    if (!(error instanceof UpresError)) {
      count('failed without a code', name, String(error));
      return;
    }
    const type = `image/${extname(file).slice(1).toLowerCase().replace('jpg', 'jpeg')}`;
    const [shown] = page ? await shownBy(page, bytes, type) : [];
    count(`refused: ${error.code}${shown ? ', though Chromium shows it' : ''}`, name, error.message);
  }
}

let files = 0;
for (const folder of folders) {
  for await (const file of filesBelow(folder)) {
    files++;
    await judge(file, relative(folder, file));
  }
}
await browser?.close();
for (const line of lines.sort()) console.log(line);
console.log(`\n| ${files} files | |\n| --- | ---: |`);
for (const [kind, times] of [...counts].sort(([, one], [, other]) => other - one))
  console.log(`| ${kind} | ${times} |`);
