/**
 * What every build tool has to make of the same sources and directives. Each case is run through real builds of all of them;
 * the pixels must be those of the core.
 */
export interface Case {
  readonly name: string;
  /** A file of `sources`. */
  readonly source: string;
  /** The query, without the `?`. */
  readonly query: string;
  /** The files that come out, in the order of the markup. */
  readonly files: readonly { readonly width: number; readonly height: number; readonly format: string }[];
  /** CSS pixels. */
  readonly layout: { readonly width: number; readonly height: number };
  /** What an import gives, with the files' URLs as `{0}`, `{1}` …; a string or an object. */
  readonly value: unknown;
}

/** Sources that the cases use: file in `examples/images`, and the name that it gets in the site. */
export const sources = {
  'logo.png': 'palette.png', // 10×10
  'icon@2x.png': 'clipart-icon.png', // 160×160, shown at 80×80
  'photo.jpg': 'rocket.jpg', // 320×214
  'drawing.png': 'clipart-car.png', // 160×87, alpha
} as const;

export const cases: readonly Case[] = [
  {
    name: 'one factor',
    source: 'logo.png',
    query: 'upscale=2',
    files: [{ width: 20, height: 20, format: 'png' }],
    layout: { width: 10, height: 10 },
    value: '{0}',
  },
  {
    name: 'a factor that is no whole number',
    source: 'logo.png',
    query: 'upscale=1.5&model=art',
    files: [{ width: 15, height: 15, format: 'png' }],
    layout: { width: 10, height: 10 },
    value: '{0}',
  },
  {
    name: 'an exact width in another format',
    source: 'drawing.png',
    query: 'upscale&width=200&format=webp&quality=80',
    files: [{ width: 200, height: 109, format: 'webp' }],
    layout: { width: 200, height: 109 },
    value: '{0}',
  },
  {
    name: 'a least width that the source has already',
    source: 'photo.jpg',
    query: 'upscale&minWidth=100',
    files: [{ width: 320, height: 214, format: 'jpeg' }],
    layout: { width: 320, height: 214 },
    value: '{0}',
  },
  {
    name: 'a least width that the source lacks',
    source: 'drawing.png',
    query: 'upscale&minWidth=240&model=art',
    files: [{ width: 240, height: 131, format: 'png' }],
    layout: { width: 160, height: 87 },
    value: '{0}',
  },
  {
    name: 'densities as srcset',
    source: 'drawing.png',
    query: 'upscale=1;2;3&model=art&as=srcset',
    files: [
      { width: 160, height: 87, format: 'png' },
      { width: 320, height: 174, format: 'png' },
      { width: 480, height: 261, format: 'png' },
    ],
    layout: { width: 160, height: 87 },
    value: '{0} 1x, {1} 2x, {2} 3x',
  },
  {
    name: 'a source of density 2 as img',
    source: 'icon@2x.png',
    query: 'upscale=1;2&model=art&as=img',
    files: [
      { width: 160, height: 160, format: 'png' },
      { width: 320, height: 320, format: 'png' },
    ],
    layout: { width: 80, height: 80 },
    value: { src: '{0}', srcset: '{0} 2x, {1} 4x', width: 80, height: 80 },
  },
  {
    name: 'formats as picture',
    source: 'logo.png',
    query: 'upscale=1;2&format=png;webp&as=picture',
    files: [
      { width: 10, height: 10, format: 'webp' },
      { width: 20, height: 20, format: 'webp' },
      { width: 10, height: 10, format: 'png' },
      { width: 20, height: 20, format: 'png' },
    ],
    layout: { width: 10, height: 10 },
    value: {
      sources: [{ srcset: '{0} 1x, {1} 2x', type: 'image/webp' }],
      img: { src: '{2}', srcset: '{2} 1x, {3} 2x', width: 10, height: 10 },
    },
  },
  {
    name: 'metadata',
    source: 'icon@2x.png',
    query: 'upscale=2&model=art&as=metadata',
    files: [{ width: 320, height: 320, format: 'png' }],
    layout: { width: 80, height: 80 },
    value: { src: '{0}', width: 320, height: 320, displayWidth: 80, displayHeight: 80, format: 'png' },
  },
];

/** Queries that must fail a build, and a part of what the error says. */
export const refused: readonly { readonly query: string; readonly words: string }[] = [
  { query: 'upscale=2&qualty=80', words: 'Did you mean "quality"?' },
  { query: 'upscale=99', words: 'upscale must be a number from 1 to 8' },
  { query: 'upscale=2&model=arts', words: 'Did you mean "art"?' },
  { query: 'upscale=1;2', words: 'several factors need as=srcset' },
];
