import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp, { type KernelEnum, type Sharp } from 'sharp';
import { Dice } from './dice.js';
import { drawPage } from './page-pictures.js';
import { enlargeCells, finderCode, sprite } from './pixel-pictures.js';

/** A picture as a site would have it, and what it should be when it is enlarged. */
export interface AutoCase {
  readonly kind: string;
  readonly name: string;
  /** Format and quality, for people: `jpeg 72`. */
  readonly storage: string;
  readonly scale: number;
  readonly file: Uint8Array;
  /** A PNG of `scale` times its size. */
  readonly truth: Uint8Array;
}

/** A picture in both sizes, before it is stored. */
export interface Pair {
  readonly kind: string;
  readonly name: string;
  readonly scale: number;
  /** PNG. */
  readonly small: Uint8Array;
  /** PNG. */
  readonly large: Uint8Array;
  /** Whether parts of it are transparent. */
  readonly alpha: boolean;
}

const iconSides = [16, 20, 24, 32, 48, 64] as const;
const inks = ['#000', '#000', '#1f2937', '#fff', '#2563eb', '#dc2626', '#6b7280'] as const;
const papers = ['#fff', '#fff', '#f3f4f6', '#111827', '#2563eb', '#fde68a'] as const;
/** Ink and paper that hardly differ, as of what is disabled, of watermarks, of dark designs. */
const dull = [
  ['#1f2937', '#111827'],
  ['#1f2937', '#000'],
  ['#374151', '#1f2937'],
  ['#5b6270', '#6b7280'],
  ['#f3f4f6', '#fff'],
  ['#e5e7eb', '#fff'],
  ['#fecaca', '#fee2e2'],
  ['#1d4ed8', '#2563eb'],
] as const;
/** Most pictures are enlarged twofold, and so the chooser has to know that case best. */
const scales = [2, 2, 2, 3, 4] as const;

/**
 * Drawings from SVG, which is drawn at both sizes: nothing was reduced.
 * @param contrast dull ones are opaque, in colours that hardly differ
 */
export async function* iconPairs(
  folder: string,
  count: number,
  seed: string,
  contrast: 'full' | 'dull' = 'full',
): AsyncGenerator<Pair> {
  const dice = new Dice(folder + seed);
  for (const { name, svg } of await readIcons(folder, count, dice)) {
    const side = dice.of(iconSides);
    const scale = dice.of(scales);
    const [ink, paper] = contrast === 'dull' ? dice.of(dull) : coloursOf(dice);
    const alpha = contrast === 'full' && dice.next() < 0.6;
    const draw = async (width: number): Promise<Uint8Array> => {
      const drawing = sharp(sized(svg, width, ink)).ensureAlpha();
      return (alpha ? drawing : drawing.flatten({ background: paper })).png().toBuffer();
    };
    try {
      const pair = { small: await draw(side), large: await draw(side * scale) };
      const set = basename(folder.replace(/\/(icons|flags)$/, ''));
      yield { kind: contrast === 'dull' ? `${set}, dull` : set, name: `${name} ${side}`, scale, alpha, ...pair };
    } catch {
      // A drawing that librsvg does not read.
    }
  }
}

function coloursOf(dice: Dice): [ink: string, paper: string] {
  const ink = dice.of(inks);
  return [ink, dice.of(papers.filter((colour) => colour !== ink))];
}

/** Pictures of pixels, reduced as sites do it: the middle of each. */
export async function* photoPairs(folder: string, count: number, kind: string, seed: string): AsyncGenerator<Pair> {
  const dice = new Dice(folder + seed);
  for (const file of dice.some(await filesIn(folder, /\.(png|jpe?g|webp)$/i), count)) {
    const scale = dice.of(scales);
    const side = dice.of([72, 96, 128, 160]);
    const kernel = dice.of(['area', 'lanczos3', 'lanczos3', 'mitchell', 'cubic'] as const);
    const whole = sharp(file).toColourspace('srgb');
    const { width, height, hasAlpha } = await whole.metadata();
    const alpha = hasAlpha && dice.next() < 0.7;
    const shape = alpha ? whole : whole.flatten({ background: '#fff' });
    const fraction =
      kind === 'photo' ? dice.of([1, 1, 0.5]) : Math.min(1, (2 * side * scale) / Math.max(width, height));
    const reduced = await shape
      .resize(Math.round(width * fraction), null, { kernel: 'lanczos3' })
      .png()
      .toBuffer();
    const { width: w, height: h } = await sharp(reduced).metadata();
    const [cutWidth, cutHeight] = [w, h].map((all) => scale * Math.min(side, Math.floor(all / scale))) as [
      number,
      number,
    ];
    const region = { left: (w - cutWidth) >> 1, top: (h - cutHeight) >> 1, width: cutWidth, height: cutHeight };
    const large = await sharp(reduced).extract(region).png().toBuffer();
    const small = await reduce(large, scale, kernel);
    yield { kind, name: `${basename(file)} ${kernel}`, scale, small, large, alpha };
  }
}

/** What a browser shows at a device pixel ratio of 1 and of `scale`. */
export async function* pagePairs(count: number, pictures: string, seed: string): AsyncGenerator<Pair> {
  const dice = new Dice(`pages${seed}`);
  const photos = dice.some(await filesIn(pictures, /\.jpg$/), 40);
  for (let index = 0; index < count; index++) {
    const scale = dice.of(scales);
    const { kind, small, large } = await drawPage(dice, scale, dice.of(photos));
    yield { kind, name: String(index), scale, small, large, alpha: false };
  }
}

/** Pixel art and codes of square cells, as they are and with each cell enlarged: exact enlargement is by whole pixels. */
export async function* cellPairs(folder: string | undefined, count: number, seed: string): AsyncGenerator<Pair> {
  const dice = new Dice(`cells${seed}`);
  const tiles = folder === undefined ? [] : dice.some(await filesIn(folder, /\.png$/), count);
  for (let index = 0; index < count; index++) {
    const scale = dice.of(scales);
    const cell = dice.of([1, 1, 1, 2, 3, 4]);
    const tile = tiles[index % tiles.length];
    for (const [kind, picture] of [
      ['code', await finderCode(dice)],
      ['sprite', await sprite(dice)],
      ...(tile === undefined ? [] : [['tile', await cutTile(tile, dice)] as const]),
    ] as const) {
      const small = await enlargeCells(picture, cell);
      const { hasAlpha } = await sharp(small).metadata();
      yield { kind, name: `${index} ${cell}`, scale, small, large: await enlargeCells(small, scale), alpha: hasAlpha };
    }
  }
}

/** How many pictures are stored in a palette as well, as by the programs that make files small, and in GIFs. */
const paletteShare = 0.5;

/** A pair without loss, and in some of the ways in which pictures are stored with loss. */
export async function* storedCases(pair: Pair, losses: number): AsyncGenerator<AutoCase> {
  const { kind, name, scale, small, large: truth, alpha } = pair;
  const dice = new Dice(`${kind} ${name}`);
  const made = (storage: string, file: Uint8Array): AutoCase => ({ kind, name, storage, scale, file, truth });
  yield made('png', small);
  const webp = dice.of([60, 70, 75, 80, 85, 90]);
  const avif = dice.of([40, 50, 60, 70]);
  const jpeg = dice.of([50, 60, 70, 75, 80, 85, 90, 92, 95]);
  const chromaSubsampling = dice.of(['4:2:0', '4:2:0', '4:4:4']);
  const lossy: (readonly [string, () => Sharp])[] = [
    [`webp ${webp}`, () => sharp(small).webp({ quality: webp })],
    [`avif ${avif}`, () => sharp(small).avif({ quality: avif, effort: 2 })],
  ];
  const other = jpeg > 80 ? 65 : 88;
  if (!alpha) {
    lossy.push([`jpeg ${jpeg}`, () => sharp(small).jpeg({ quality: jpeg, chromaSubsampling })]);
    lossy.push([`jpeg ${other}`, () => sharp(small).jpeg({ quality: other, chromaSubsampling })]);
  }
  for (const [storage, encode] of dice.some(lossy, losses)) yield made(storage, await encode().toBuffer());
  const palettes = new Dice(`palette ${kind} ${name}`);
  if (losses > 0 && palettes.next() < paletteShare) {
    const quality = palettes.of([40, 70, 100]);
    const dither = palettes.of([0, 0.5, 1]);
    const file = palettes.of([
      () => sharp(small).png({ palette: true, quality, dither }),
      () => sharp(small).gif({ dither, colours: palettes.of([32, 128, 256]) }),
    ]);
    yield made('palette', await file().toBuffer());
  }
}

async function reduce(large: Uint8Array, scale: number, kernel: 'area' | keyof KernelEnum): Promise<Uint8Array> {
  const { width, height } = await sharp(large).metadata();
  const size = [width / scale, height / scale] as const;
  if (kernel !== 'area')
    return sharp(large)
      .resize(...size, { kernel })
      .png()
      .toBuffer();
  // The mean of whole cells, which is what an affine of libvips' block shrink does.
  const { data, info } = await sharp(large).raw().toBuffer({ resolveWithObject: true });
  const { channels } = info;
  const weighted = channels === 2 || channels === 4;
  const small = new Uint8Array(size[0] * size[1] * channels);
  for (let y = 0; y < size[1]; y++) {
    for (let x = 0; x < size[0]; x++) {
      const sums = new Array<number>(channels).fill(0);
      let cover = 0;
      for (let row = y * scale; row < (y + 1) * scale; row++) {
        for (let column = x * scale; column < (x + 1) * scale; column++) {
          const at = (row * width + column) * channels;
          const weight = weighted ? data[at + channels - 1]! : 255;
          cover += weight;
          for (let channel = 0; channel < channels; channel++) sums[channel]! += weight * data[at + channel]!;
        }
      }
      const at = (y * size[0] + x) * channels;
      for (let channel = 0; channel < channels; channel++)
        small[at + channel] = cover ? sums[channel]! / cover + 0.5 : 0;
      if (weighted) small[at + channels - 1] = cover / scale ** 2 + 0.5;
    }
  }
  return sharp(small, { raw: { width: size[0], height: size[1], channels } })
    .png()
    .toBuffer();
}

async function filesIn(folder: string, pattern: RegExp): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && pattern.test(entry.name));
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

interface Icon {
  readonly name: string;
  readonly svg: string;
}

/** A folder of SVG, or one of Iconify's packages. */
async function readIcons(folder: string, count: number, dice: Dice): Promise<Icon[]> {
  const set = await readFile(join(folder, 'icons.json'), 'utf8').catch(() => undefined);
  if (set === undefined) {
    const files = dice.some(await filesIn(folder, /\.svg$/), count);
    return Promise.all(files.map(async (file) => ({ name: basename(file), svg: await readFile(file, 'utf8') })));
  }
  const parsed = JSON.parse(set) as {
    icons: Record<string, { body: string; width?: number; height?: number }>;
    width?: number;
    height?: number;
  };
  return dice.some(Object.entries(parsed.icons), count).map(([name, { body, ...own }]) => {
    const width = own.width ?? parsed.width ?? 16;
    const height = own.height ?? parsed.height ?? 16;
    return { name, svg: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">${body}</svg>` };
  });
}

/** Draws an SVG this many pixels wide and high. */
function sized(svg: string, width: number, ink: string): Buffer {
  const root = /<svg[^>]*>/s.exec(svg)?.[0] ?? '<svg>';
  const bare = root.replace(/\s(width|height|preserveAspectRatio)="[^"]*"/g, '');
  const whole = bare.replace('<svg', `<svg width="${width}" height="${width}" color="${ink}" fill="${ink}"`);
  // What has a fill of its own keeps it.
  const once = /\sfill="/.test(bare) ? whole.replace(` fill="${ink}"`, '') : whole;
  return Buffer.from(svg.replace(root, once));
}

/** A square out of a sheet of tiles. */
async function cutTile(sheet: string, dice: Dice): Promise<Uint8Array> {
  const { width, height } = await sharp(sheet).metadata();
  const side = Math.min(width, height, dice.of([32, 32, 64, 96]));
  const left = 32 * Math.floor(dice.next() * Math.floor((width - side) / 32 + 1));
  const top = 32 * Math.floor(dice.next() * Math.floor((height - side) / 32 + 1));
  return sharp(sheet).extract({ left, top, width: side, height: side }).png().toBuffer();
}
