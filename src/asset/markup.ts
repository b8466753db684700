import type { OutputFormat } from '../image/codec/formats.js';
import type { AssetPlan, VariantPlan } from './asset-plan.js';

/** Attributes of an `<img>`: width and height are those of the layout. */
export interface ImgAttributes {
  readonly src: string;
  readonly srcset: string;
  readonly width: number;
  readonly height: number;
}

export interface SourceAttributes {
  readonly srcset: string;
  readonly type: string;
}

/** A `<picture>`: sources in the order of preference, and the `<img>` for browsers that take none of them. */
export interface PictureAttributes {
  readonly sources: readonly SourceAttributes[];
  readonly img: ImgAttributes;
}

export interface AssetMetadata {
  readonly src: string;
  /** Pixels of the file. */
  readonly width: number;
  readonly height: number;
  /** CSS pixels of the layout. */
  readonly displayWidth: number;
  readonly displayHeight: number;
  readonly format: string;
}

/** Where a variant is to be found. */
export type UrlOf = (variant: VariantPlan) => string;

/** What an import of an asset gives: for `url` and `srcset` a string, else an object. */
export type AssetValue = string | ImgAttributes | PictureAttributes | AssetMetadata;

/** Makes of a plan what its shape asks for. */
export function assetValue(plan: AssetPlan, urlOf: UrlOf): AssetValue {
  switch (plan.shape) {
    case 'url':
      return urlOf(plan.variants[0]!);
    case 'srcset':
      return srcsetOf(plan.variants, urlOf);
    case 'img':
      return imgOf(plan, plan.variants, urlOf);
    case 'picture':
      return pictureOf(plan, urlOf);
    case 'metadata':
      return metadataOf(plan, urlOf);
  }
}

/** `a.png 1x, b.png 2x`; spaces and commas in URLs are escaped, since they part candidates. */
export function srcsetOf(variants: readonly VariantPlan[], urlOf: UrlOf): string {
  return variants.map((variant) => `${escapeForSrcset(urlOf(variant))} ${printDensity(variant.density)}x`).join(', ');
}

/** `image-set(url("a.png") 1x, url("b.png") 2x)` */
export function imageSetOf(variants: readonly VariantPlan[], urlOf: UrlOf): string {
  const candidates = variants.map((variant) => {
    const type = ` type("${mimeType(variant.format)}")`;
    const mixed = variants.some(({ format }) => format !== variant.format);
    return `url("${escapeForCss(urlOf(variant))}") ${printDensity(variant.density)}x${mixed ? type : ''}`;
  });
  return `image-set(${candidates.join(', ')})`;
}

/** `2`, `1.5`, at most three decimals. */
export function printDensity(density: number): string {
  return String(Number(density.toFixed(3)));
}

export function mimeType(format: OutputFormat): string {
  return `image/${format}`;
}

function imgOf(plan: AssetPlan, variants: readonly VariantPlan[], urlOf: UrlOf): ImgAttributes {
  // For browsers without srcset: the least that fills the layout.
  const plain = variants.find(({ density }) => density >= 1) ?? variants.at(-1)!;
  return {
    src: urlOf(plain),
    srcset: srcsetOf(variants, urlOf),
    width: plan.layout.width,
    height: plan.layout.height,
  };
}

/** Smaller formats first: a browser takes the first that it knows. */
const preference: readonly OutputFormat[] = ['avif', 'webp'];

function pictureOf(plan: AssetPlan, urlOf: UrlOf): PictureAttributes {
  const formats = [...new Set(plan.variants.map(({ format }) => format))];
  const rank = (format: OutputFormat): number =>
    (preference.indexOf(format) + preference.length + 1) % (preference.length + 1);
  const ordered = formats.sort((a, b) => rank(a) - rank(b));
  const of = (format: OutputFormat): VariantPlan[] => plan.variants.filter((variant) => variant.format === format);
  const fallback = ordered.at(-1)!;
  return {
    sources: ordered.slice(0, -1).map((format) => ({ srcset: srcsetOf(of(format), urlOf), type: mimeType(format) })),
    img: imgOf(plan, of(fallback), urlOf),
  };
}

function metadataOf(plan: AssetPlan, urlOf: UrlOf): AssetMetadata {
  const variant = plan.variants.at(-1)!;
  return {
    src: urlOf(variant),
    width: variant.width,
    height: variant.height,
    displayWidth: plan.layout.width,
    displayHeight: plan.layout.height,
    format: variant.format,
  };
}

/** Inside of double quotes. */
function escapeForCss(url: string): string {
  return url.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\a ');
}

/** Spaces and commas part candidates; those of a `data:` URI can't be escaped and do no harm. */
export function escapeForSrcset(url: string): string {
  return url.startsWith('data:') ? url : url.replace(/ /g, '%20').replace(/,/g, '%2C');
}
