import { foreignKeys, hasDirectives, parseDirectives, type Directives } from '#upres/asset/directives.js';
import { UpresError } from '#upres/errors.js';
import { suggestion } from '#upres/suggest.js';

/** What says how large a picture becomes before imagetools has it. The other directives' names are imagetools' own, too. */
const ours = ['upscale', 'width', 'minWidth', 'model'];

/** The directives of vite-imagetools 12 and of enhanced-img, and what Vite adds. */
const theirs = [
  ...['w', 'h', 'aspect', 'allowUpscale', 'fit', 'position', 'kernel', 'background', 'rotate', 'flip', 'flop'],
  ...['blur', 'flatten', 'grayscale', 'hue', 'saturation', 'brightness', 'invert', 'median', 'normalize', 'tint'],
  ...['format', 'quality', 'progressive', 'lossless', 'effort', 'noAutoOrient', 'basePixels', 'inline', 'as'],
  ...['enhanced', 'imgSizes', 'imgWidth', 'import', 't', 'url', 'no-inline'],
];

export interface SplitQuery {
  /** What is enlarged, and how far. */
  readonly directives: Directives;
  /** What imagetools reads. */
  readonly rest: string;
}

/**
 * Parts what comes before imagetools from what is its own.
 * @param keys more that imagetools reads
 * @returns undefined where nothing is to be enlarged
 * @throws BAD_ARGUMENT for a key that no one knows, or more than one factor
 */
export function splitQuery(query: string, keys: readonly string[] = []): SplitQuery | undefined {
  if (!hasDirectives(query)) return undefined;
  const known = [...theirs, ...keys];
  for (const key of foreignKeys(query)) {
    if (!known.includes(key)) {
      throw new UpresError('BAD_ARGUMENT', `there is no directive "${key}".${suggestion(key, [...ours, ...known])}`);
    }
  }
  const all = new URLSearchParams(query);
  const rest = new URLSearchParams([...all].filter(([key]) => !ours.includes(key)));
  const own = new URLSearchParams([...all].filter(([key]) => ours.includes(key)));
  const widths = (all.get('w') ?? '').split(';').map(Number);
  const { upscale = [], ...others } = parseDirectives(own.toString());
  if (upscale.length > 1) {
    throw new UpresError('BAD_ARGUMENT', 'imagetools makes sizes by w: give upscale one factor, the largest');
  }
  const said = upscale.length > 0 || others.width !== undefined || others.minWidth !== undefined;
  const needed = Math.max(...widths);
  if (!said && !(needed > 0)) throw new UpresError('BAD_ARGUMENT', 'upscale needs a factor, as in upscale=2, or w');
  return {
    directives: { ...others, ...(said ? (upscale.length > 0 ? { upscale } : {}) : { minWidth: needed }) },
    rest: rest.toString() || 'as=url',
  };
}
