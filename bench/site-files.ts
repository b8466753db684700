import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { sample } from './pictures.js';

/** Where a site's pictures lie, in its folder. */
export const pictureFolder = 'pictures';

/** How many times the pixels of each picture. */
export const factor = 2;

/** What the plugins get besides their cache: one network, and drawings have one of their own. Nothing is left to `auto`. */
export const networks = { model: 'natural', defaults: { include: '**/drawing-*', model: 'art' } } as const;

/** The same for the engine without a plugin. */
export function modelFor(file: string): string {
  return basename(file).startsWith('drawing-') ? networks.defaults.model : networks.model;
}

interface Kind {
  readonly name: string;
  readonly source: string;
  readonly extension: 'jpg' | 'png' | 'webp';
}

const kinds: readonly Kind[] = [
  { name: 'coffee', source: 'coffee.jpg', extension: 'jpg' },
  { name: 'rocket', source: 'rocket.jpg', extension: 'jpg' },
  { name: 'portrait', source: 'astronaut.png', extension: 'jpg' },
  { name: 'cat', source: 'chelsea.webp', extension: 'webp' },
  { name: 'grass', source: 'grass.png', extension: 'webp' },
  { name: 'drawing-elephant', source: 'clipart-elephant.png', extension: 'webp' },
  { name: 'brick', source: 'brick.png', extension: 'png' },
  { name: 'text', source: 'text.png', extension: 'png' },
  { name: 'drawing-car', source: 'clipart-car.png', extension: 'png' },
  { name: 'drawing-icon', source: 'clipart-icon.png', extension: 'png' },
];

/** Pixels of a side. */
const leastSide = 60;
const mostSide = 200;

/**
 * Writes small pictures made from the samples.
 * @param site the site's folder
 * @param count up to 1410: no two have the same source and the same size, so no two are the same picture
 */
export async function writePictures(site: string, count: number): Promise<void> {
  const folder = join(site, pictureFolder);
  await mkdir(folder, { recursive: true });
  // The number of sides that there are (141) has no divisor in common with either step, nor with the number of kinds (10).
  const side = (index: number, step: number): number => leastSide + ((index * step) % (mostSide - leastSide + 1));
  for (let index = 0; index < count; index++) {
    const { name, source, extension } = kinds[index % kinds.length]!;
    await sharp(sample(source))
      .resize({ width: side(index, 37), height: side(index, 53), fit: 'cover' })
      .toFile(join(folder, `${name}-${index + 1}.${extension}`));
  }
}

/** The paths of a site's pictures, in a fixed order. */
export async function picturesOf(site: string): Promise<string[]> {
  const names = await readdir(join(site, pictureFolder));
  return names.sort().map((name) => join(site, pictureFolder, name));
}

/**
 * Writes a page, a script and a style sheet that use all pictures: of each ten, four are imported by the script, three are
 * backgrounds, and three stand in the page.
 * @param query what every picture's URL ends in
 */
export async function writePages(site: string, query: string): Promise<void> {
  const urls = (await picturesOf(site)).map((file) => `./${pictureFolder}/${basename(file)}${query}`);
  const among = (from: number, to: number): string[] => urls.filter((_, at) => at % 10 >= from && at % 10 < to);
  const imports = among(0, 4).map((url, at) => `import picture${at} from '${url}';\n`);
  const list = imports.map((_, at) => `picture${at}`).join(', ');
  const rules = among(4, 7).map((url, at) => `.picture${at} {\n  background: url('${url}');\n}\n`);
  const images = among(7, 10).map((url) => `    <img src="${url}" alt="" />\n`);
  await Promise.all([
    writeFile(
      join(site, 'main.js'),
      `${imports.join('')}for (const src of [${list}]) document.body.append(Object.assign(new Image(), { src }));\n`,
    ),
    writeFile(join(site, 'style.css'), rules.join('')),
    writeFile(
      join(site, 'index.html'),
      `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Pictures</title>
    <link rel="stylesheet" href="./style.css" />
  </head>
  <body>
${images.join('')}    <script type="module" src="./main.js"></script>
  </body>
</html>
`,
    ),
  ]);
}
