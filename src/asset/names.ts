import { posix } from 'node:path';
import { formatTraits, outputFormats, type OutputFormat } from '../image/codec/formats.js';

const tail = /@(\d+(?:\.\d+)?)x$/i;

/** A file name taken apart: `icons/logo@2x.png` is the stem `icons/logo`, density 2, extension `.png`. */
export interface DensityName {
  /** With its folder. */
  readonly stem: string;
  /** 1 where the name claims none. */
  readonly density: number;
  readonly extension: string;
}

export function parseDensityName(file: string): DensityName {
  const extension = posix.extname(file);
  const whole = file.slice(0, file.length - extension.length);
  const match = tail.exec(whole);
  const density = Number(match?.[1]);
  // `@0x` is no density.
  if (!match || !(density > 0)) return { stem: whole, density: 1, extension };
  return { stem: whole.slice(0, match.index), density, extension };
}

/** The name for a density; density 1 has no tail. */
export function printDensityName({ stem, density, extension }: DensityName): string {
  // 1.5 × 1.1 is not 1.6500000000000001 in a file's name.
  const rounded = Number.isInteger(density) ? density : Number(density.toPrecision(12));
  return `${stem}${rounded === 1 ? '' : `@${rounded}x`}${extension}`;
}

/** How files of a format are named; the first is for new ones. */
const extensions: Readonly<Record<OutputFormat, readonly [string, ...string[]]>> = {
  png: ['.png'],
  jpeg: ['.jpg', '.jpeg', '.jpe', '.jfif'],
  webp: ['.webp'],
  avif: ['.avif'],
  gif: ['.gif'],
  tiff: ['.tif', '.tiff'],
};

/** The usual extension of a format, or the given one where it is as good: a file keeps its own. */
export function extensionFor(format: OutputFormat, given = ''): string {
  return extensions[format].includes(given.toLowerCase()) ? given : extensions[format][0];
}

/**
 * The name of a result in the format that it came to: after an error the source may stand in for it. What was planned keeps its
 * name, whatever that says.
 */
export function nameOfResult(
  planned: { name: string; format: OutputFormat },
  { format }: { format: OutputFormat },
): string {
  const { name } = planned;
  if (format === planned.format) return name;
  const extension = posix.extname(name);
  return name.slice(0, name.length - extension.length) + extensionFor(format, extension);
}

/** The format that a file's name promises; undefined where it promises none that is read and written here. */
export function formatOfName(file: string): OutputFormat | undefined {
  const extension = posix.extname(file).toLowerCase();
  return outputFormats.find((format) => extensions[format].includes(extension));
}

/** Whether a file is named as an image that can be upscaled. */
export function hasImageExtension(file: string): boolean {
  return formatOfName(file) !== undefined;
}

/** All words that a user may write for a format. */
export const formatWords = [
  ...outputFormats,
  ...Object.values(extensions)
    .flatMap((known) => known.map((extension) => extension.slice(1)))
    .filter((word) => !outputFormats.some((format) => format === word)),
];

/** A format by the word that a user writes for it: its name or one of its extensions. */
export function formatByWord(word: string): OutputFormat | undefined {
  return outputFormats.find((format) => format === word || extensions[format].includes(`.${word}`));
}

/** Formats for which a quality can be chosen; for a PNG, sharp would quietly make it a palette image. */
export function hasQuality(format: OutputFormat): boolean {
  return formatTraits[format].quality !== undefined;
}
