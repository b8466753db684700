import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Density ratios of displays: pixels of the display for each CSS pixel. */
export const ratios = [1, 2, 3] as const;
export type Ratio = (typeof ratios)[number];

/** An image of the page, and what a browser has to make of it. */
export interface Shown {
  readonly id: string;
  /** CSS pixels of the box that it fills. */
  readonly layout: { readonly width: number; readonly height: number };
  readonly format: string;
  /** Pixels of the file that is to be taken, for each CSS pixel of the layout. */
  readonly densities: Densities;
  /** What the page tells the browser of that file's density; several where the page names the file more than once. */
  readonly told: Readonly<Record<Ratio, number | readonly number[]>>;
}

type Densities = Readonly<Record<Ratio, number>>;

/** The `<img>`s of the page. */
export const images: readonly Shown[] = [
  {
    id: 'photo',
    layout: { width: 320, height: 214 },
    format: 'jpeg',
    densities: { 1: 1, 2: 2, 3: 3 },
    told: { 1: 1, 2: 2, 3: 3 },
  },
  {
    // The source has density 2, so the candidates are 2x and 4x. Without one of 1x a browser takes `src` for that, so at ratio 1
    // it is `width` and `height` that keep the layout. `src` is the file of 2x, too: should Chromium have that in memory when it
    // chooses, it takes the candidate of the higher density.
    id: 'icon',
    layout: { width: 80, height: 80 },
    format: 'png',
    densities: { 1: 2, 2: 2, 3: 4 },
    told: { 1: [1, 2], 2: 2, 3: 4 },
  },
  {
    id: 'drawing',
    layout: { width: 160, height: 87 },
    format: 'avif',
    densities: { 1: 1, 2: 2, 3: 3 },
    told: { 1: 1, 2: 2, 3: 3 },
  },
  {
    // One file for all; its author gives it a size.
    id: 'logo',
    layout: { width: 10, height: 10 },
    format: 'png',
    densities: { 1: 2, 2: 2, 3: 2 },
    told: { 1: 1, 2: 1, 3: 1 },
  },
];

/** The background of a box that is larger than it. */
export const background: Shown = {
  id: 'banner',
  layout: { width: 225, height: 150 },
  format: 'webp',
  densities: { 1: 1, 2: 2, 3: 3 },
  told: { 1: 1, 2: 2, 3: 3 },
};

const sources = {
  'photo.jpg': 'rocket.jpg',
  'icon@2x.png': 'clipart-icon.png',
  'drawing.png': 'clipart-car.png',
  'logo.png': 'palette.png',
  'banner.webp': 'chelsea.webp',
} as const;

/** A page around its images. No icon, since browsers would ask for one. */
const page = (head: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Pictures</title>
<link rel="icon" href="data:,">
${head}
</head>
<body>
${body}
</body>
</html>
`;

/** @param candidate makes of a factor the URL of the banner */
const style = (candidate: (factor: number) => string): string => `
body { margin: 0; background: white }
img { display: block }
#banner {
  width: 250px;
  height: 200px;
  background: white image-set(${[1, 2, 3].map((factor) => `url("${candidate(factor)}") ${factor}x`).join(', ')}) no-repeat;
}
`;

/** Puts a `<picture>` that was imported on the page. */
const script = `import './style.css';
import picture from './drawing.png?upscale=1;2;3&model=art&format=png;webp;avif&as=picture';

const { src, srcset, width, height } = picture.img;
document.querySelector('picture').innerHTML =
  picture.sources.map(({ srcset, type }) => \`<source srcset="\${srcset}" type="\${type}">\`).join('') +
  \`<img id="drawing" alt="" src="\${src}" srcset="\${srcset}" width="\${width}" height="\${height}">\`;
`;

const bundled = {
  'package.json': '{ "name": "site", "private": true, "type": "module" }',
  'style.css': style((factor) => `./banner.webp?upscale=${factor}`),
  'main.js': script,
};

/** A page of which JavaScript makes everything, for bundlers that read no pages. */
const scripted = (styles: string, banner: string): Record<string, string> => ({
  ...bundled,
  'index.html': page(
    styles,
    '<picture></picture>\n<div id="banner"></div>\n<script type="module" src="/bundle.js"></script>',
  ),
  'main.js': `${banner}
import photo from './photo.jpg?upscale=1;2;3&as=img';
import icon from './icon@2x.png?upscale=1;2&model=art&as=img';
import logo from './logo.png?upscale=2&model=art';
const img = (attributes) => Object.assign(document.createElement('img'), { alt: '', ...attributes });
document.body.prepend(img({ id: 'photo', ...photo }), img({ id: 'icon', ...icon }));
document.querySelector('#banner').before(img({ id: 'logo', src: logo, width: 10, height: 10 }));
${script.replace("import './style.css';\n", '')}`,
});

/** The site with all images in one page, as its author writes it for each tool. */
export const sites = {
  vite: {
    ...bundled,
    'index.html': page(
      '<script type="module" src="/main.js"></script>',
      `<img id="photo" alt="" src="photo.jpg?upscale=1;2;3&amp;as=img">
<img id="icon" alt="" src="/icon@2x.png?upscale=1;2&amp;model=art&amp;as=img">
<picture></picture>
<img id="logo" alt="" src="./logo.png?upscale=2&amp;model=art" width="10" height="10">
<div id="banner"></div>`,
    ),
  },
  webpack: {
    ...bundled,
    'index.ejs': page(
      '',
      `<% const img = (id, { src, srcset, width, height }) =>
  \`<img id="\${id}" alt="" src="\${src}" srcset="\${srcset}" width="\${width}" height="\${height}">\` %>
<%= img('photo', require('./photo.jpg?upscale=1;2;3&as=img').default) %>
<%= img('icon', require('./icon@2x.png?upscale=1;2&model=art&as=img').default) %>
<picture></picture>
<img id="logo" alt="" src="<%= require('./logo.png?upscale=2&model=art') %>" width="10" height="10">
<div id="banner"></div>`,
    ),
  },
  esbuild: scripted('<link rel="stylesheet" href="/bundle.css">', `import './style.css';`),
  // These two read no style sheets.
  rollup: scripted(
    '<style>body { margin: 0; background: white } img { display: block } #banner { width: 250px; height: 200px }</style>',
    `import banner from './banner.webp?upscale=1;2;3&as=srcset';
document.querySelector('#banner').style.background =
  \`white image-set(\${banner.replace(/(\\S+) (\\dx)/g, 'url("$1") $2')}) no-repeat\`;`,
  ),
  gulp: {
    'style.css': style((factor) => (factor === 1 ? 'img/banner.webp' : `img/banner@${factor}x.webp`)),
    'index.html': page(
      '<link rel="stylesheet" href="style.css">',
      `<img id="photo" alt="" src="img/photo.jpg" srcset="img/photo.jpg, img/photo@2x.jpg 2x, img/photo@3x.jpg 3x">
<img id="icon" alt="" src="img/icon@2x.png" srcset="img/icon@2x.png 2x, img/icon@4x.png 4x" width="80" height="80">
<picture>
<source srcset="img/drawing.avif, img/drawing@2x.avif 2x, img/drawing@3x.avif 3x" type="image/avif">
<source srcset="img/drawing.webp, img/drawing@2x.webp 2x, img/drawing@3x.webp 3x" type="image/webp">
<img id="drawing" alt="" src="img/drawing.png" srcset="img/drawing.png, img/drawing@2x.png 2x, img/drawing@3x.png 3x">
</picture>
<img id="logo" alt="" src="img/logo@2x.png" width="10" height="10">
<div id="banner"></div>`,
    ),
  },
} as const;

/** Writes a site into a folder, with the pictures that it uses. */
export function writeSite(folder: string, tool: keyof typeof sites): void {
  for (const [name, text] of Object.entries(sites[tool])) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const pictures = fileURLToPath(new URL('../../../examples/images/', import.meta.url));
  for (const [name, picture] of Object.entries(sources)) cpSync(join(pictures, picture), join(folder, name));
}
