import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import type { QualityCase } from './quality-case.js';
import { isOpaque, onWhite, pngOf, readRgba, type RgbaImage } from './quality-data.js';

const scale = 2;
/** Heights of the small pictures in pixels. */
const sizes = [16, 20, 24, 32, 48] as const;
/** Drawings of each set: all of its sizes in turn, so that none is drawn at one size only. */
const perSet = 25;

interface Drawing {
  readonly name: string;
  readonly svg: string;
}

interface DrawnSet {
  readonly name: string;
  readonly read: () => Promise<readonly Drawing[]>;
}

/** The sets by what they show. `place` is where a package lies. */
function drawnSets(place: (name: string) => string): readonly DrawnSet[] {
  const iconoir = join(place('iconoir'), 'icons');
  const ant = join(place('@ant-design/icons-svg'), 'inline-svg');
  const eva = join(place('@iconify-json/eva'), 'icons.json');
  return [
    { name: 'line icons, iconoir', read: () => svgFiles(join(iconoir, 'regular')) },
    { name: 'line icons, ant-design', read: () => svgFiles(join(ant, 'outlined')) },
    { name: 'line icons, eva', read: () => iconify(eva, (name) => name.endsWith('-outline')) },
    { name: 'filled icons, iconoir', read: () => svgFiles(join(iconoir, 'solid')) },
    { name: 'filled icons, ant-design', read: () => svgFiles(join(ant, 'filled')) },
    { name: 'filled icons, eva', read: () => iconify(eva, (name) => name.endsWith('-fill')) },
    { name: 'logos, simple-icons', read: () => svgFiles(join(place('simple-icons'), 'icons')) },
    { name: 'flags, country-flag-icons', read: () => svgFiles(join(place('country-flag-icons'), '3x2')) },
    { name: 'emoji, emojione', read: () => iconify(join(place('@iconify-json/emojione'), 'icons.json')) },
  ];
}

async function svgFiles(folder: string): Promise<Drawing[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.svg')).sort();
  return chosen(names.map((name) => ({ name: basename(name, '.svg'), file: join(folder, name) }))).reduce<
    Promise<Drawing[]>
  >(
    async (found, { name, file }) => [...(await found), { name, svg: await readFile(file, 'utf8') }],
    Promise.resolve([]),
  );
}

interface IconifySet {
  readonly width?: number;
  readonly height?: number;
  readonly icons: Readonly<Record<string, { body: string; width?: number; height?: number }>>;
}

/** A set in Iconify's JSON: bodies of SVG and their boxes. */
async function iconify(file: string, wanted: (name: string) => boolean = () => true): Promise<Drawing[]> {
  const set = JSON.parse(await readFile(file, 'utf8')) as IconifySet;
  const names = Object.keys(set.icons).filter(wanted).sort();
  return chosen(names).map((name) => {
    const { body, width = set.width ?? 16, height = set.height ?? 16 } = set.icons[name]!;
    return { name, svg: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">${body}</svg>` };
  });
}

/** Some of many, evenly spread: the same ones each time. */
function chosen<T>(all: readonly T[]): T[] {
  const count = Math.min(perSet, all.length);
  return Array.from({ length: count }, (_, index) => all[Math.floor(((index + 0.5) * all.length) / count)]!);
}

/** Every set, opaque on white and with alpha; each drawing rendered at 1× and again at 2×: neither is made from the other. */
export async function drawings(place: (name: string) => string, limit: number): Promise<QualityCase[]> {
  const cases: QualityCase[] = [];
  for (const { name: set, read } of drawnSets(place)) {
    const found = (await read()).slice(0, limit);
    for (const ground of ['opaque', 'alpha'] as const) {
      for (const [index, { name, svg }] of found.entries()) {
        const size = sizes[index % sizes.length]!;
        const [small, truth] = await Promise.all([render(svg, size, 1), render(svg, size, scale)]);
        // A flag fills its box: with alpha it would be the same file once more.
        if (ground === 'alpha' && isOpaque(small) && isOpaque(truth)) continue;
        const lay = (image: RgbaImage): Promise<Buffer> => pngOf(ground === 'opaque' ? onWhite(image) : image);
        cases.push({
          group: 'drawings',
          row: `${set}, ${ground}`,
          name: `${name} ${size}`,
          scale,
          size,
          file: await lay(small),
          truth: await readRgba(await lay(truth)),
          compare: 'rgb',
        });
      }
    }
  }
  return cases;
}

/** An SVG of this many pixels in height at a density: the size is written into it, whatever it says of its own. */
async function render(svg: string, height: number, density: number): Promise<RgbaImage> {
  const [, left, bottom] = /viewBox="\s*[\d.-]+[\s,]+[\d.-]+[\s,]+([\d.]+)[\s,]+([\d.]+)\s*"/.exec(svg) ?? [];
  if (left === undefined || bottom === undefined) throw new Error(`an SVG without a view box: ${svg.slice(0, 80)}`);
  const width = Math.round((height * Number(left)) / Number(bottom));
  const root = /<svg\b[^>]*>/.exec(svg)![0];
  const namespace = root.includes('xmlns=') ? '' : ' xmlns="http://www.w3.org/2000/svg"';
  const sized = root
    .replace(/\s(?:width|height)="[^"]*"/g, '')
    .replace('<svg', `<svg${namespace} width="${width}" height="${height}"`);
  const png = await sharp(Buffer.from(svg.replace(root, sized)), { density: 72 * density })
    .png()
    .toBuffer();
  const image = await readRgba(png);
  if (image.width !== width * density || image.height !== height * density) {
    throw new Error(
      `an SVG came out at ${image.width}×${image.height} where ${width * density}×${height * density} was asked for`,
    );
  }
  return image;
}
