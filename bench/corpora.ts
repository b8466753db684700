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
 * picture that sharp's plain decode gives and, where Chromium is installed, the one that it shows. Downloads nothing.
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
const look = `async (url) => {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    return undefined;
  }
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let text = '';
  for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
  return { width: canvas.width, height: canvas.height, data: btoa(text) };
}`;

async function shownBy(page: Page, bytes: Uint8Array, type: string): Promise<Pixels | undefined> {
  const url = `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
  const shown = await page.evaluate<{ width: number; height: number; data: string } | undefined>(
    `(${look})(${JSON.stringify(url)})`,
  );
  return shown && { ...shown, data: new Uint8Array(Buffer.from(shown.data, 'base64')) };
}

const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error('npm run corpora -- FOLDER...');
const executablePath = browserPaths.find((path) => existsSync(path));
const browser: Browser | undefined = executablePath
  ? await chromium.launch({ executablePath, args: ['--no-sandbox', '--force-color-profile=srgb'] })
  : undefined;
const page = await browser?.newPage();
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
    const shown = page && header.format !== 'tiff' ? await shownBy(page, bytes, `image/${header.format}`) : undefined;
    const inBrowser = shown && difference(own, shown);
    // sharp knows nothing of colours that are told elsewhere than in a profile: there only the browser can tell.
    const decoded =
      codedColours(bytes, header.format, name) || header.bareInks
        ? undefined
        : await decode(bytes, isOriented(header.format, header.frames)).catch(() => undefined);
    const plain = decoded && difference(own, decoded);
    if (inBrowser !== undefined) count('wrong: not as Chromium shows it', name, inBrowser);
    else if (plain !== undefined && shown === undefined) count('wrong: not as sharp decodes it', name, plain);
    else if (plain !== undefined) count('written, as Chromium shows it, not as sharp decodes it', name, plain);
    else count(shown ? 'written, as Chromium shows it' : 'written, as sharp decodes it');
  } catch (error) {
    if (!(error instanceof UpresError)) {
      count('failed without a code', name, String(error));
      return;
    }
    const type = `image/${extname(file).slice(1).toLowerCase().replace('jpg', 'jpeg')}`;
    const shown = page && (await shownBy(page, bytes, type));
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
