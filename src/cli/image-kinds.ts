import path from 'node:path';
import type { OutputFormat } from '../image/formats.js';

/** What each file name extension promises, and with the first of a format's, how new files of it are named. */
const extensions: Readonly<Record<string, OutputFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.jpe': 'jpeg',
  '.jfif': 'jpeg',
  '.webp': 'webp',
  '.avif': 'avif',
  '.gif': 'gif',
  '.tiff': 'tiff',
  '.tif': 'tiff',
};

/** Pictures of other kinds, known only so that a name like `out.bmp` isn't taken for a folder's. */
const foreignExtensions = new Set(['.svg', '.bmp', '.heic', '.heif', '.jxl', '.jp2', '.ico', '.psd', '.tga', '.apng']);

/** The values of `--format`. */
export const formatNames: Readonly<Record<string, OutputFormat>> = {
  png: 'png',
  jpeg: 'jpeg',
  jpg: 'jpeg',
  webp: 'webp',
  avif: 'avif',
  gif: 'gif',
  tiff: 'tiff',
  tif: 'tiff',
};

/** The format that a file's name promises; undefined when it promises none that upres reads. */
export function formatOfName(file: string): OutputFormat | undefined {
  return extensions[path.extname(file).toLowerCase()];
}

/** True for names of pictures that upres doesn't write. */
export function hasForeignImageName(file: string): boolean {
  return foreignExtensions.has(path.extname(file).toLowerCase());
}

/** Extension of a new file of the format, with the dot. */
export function extensionOf(format: OutputFormat): string {
  return format === 'jpeg' ? '.jpg' : `.${format}`;
}

/** Formats for which a quality can be chosen; for a PNG, sharp would quietly make it a palette image. */
export function hasQuality(format: OutputFormat): boolean {
  return format === 'jpeg' || format === 'webp' || format === 'avif';
}
