import { extname } from 'node:path';
import { outputFormats, type OutputFormat } from '../image/formats.js';

const extensions: Readonly<Record<OutputFormat, readonly [string, ...string[]]>> = {
  png: ['.png'],
  jpeg: ['.jpg', '.jpeg', '.jpe'],
  webp: ['.webp'],
  avif: ['.avif'],
  gif: ['.gif'],
  tiff: ['.tif', '.tiff'],
};

/** The usual extension of a format, or the given one where it is as good. */
export function extensionFor(format: OutputFormat, given = ''): string {
  return extensions[format].includes(given.toLowerCase()) ? given : extensions[format][0];
}

/** Whether a file is named as an image that can be upscaled. */
export function hasImageExtension(file: string): boolean {
  const extension = extname(file).toLowerCase();
  return outputFormats.some((format) => extensions[format].includes(extension));
}
