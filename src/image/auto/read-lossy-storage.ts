import { avifStorage } from './avif-storage.js';
import type { OutputFormat } from '../codec/formats.js';
import { jpegStorage } from './jpeg-storage.js';
import type { LossyStorage } from './lossy-storage.js';
import { webpStorage } from './webp-storage.js';

/** Undefined for what is stored without loss, or is not understood. Never throws. */
export function lossyStorage(file: Uint8Array, format: OutputFormat): LossyStorage | undefined {
  switch (format) {
    case 'jpeg':
      return jpegStorage(file);
    case 'webp':
      return webpStorage(file);
    case 'avif':
      return avifStorage(file);
    case 'png':
    case 'gif':
    case 'tiff':
      return undefined;
  }
}
