import { avifStorage } from './avif-storage.js';
import type { OutputFormat } from './formats.js';
import { jpegStorage } from './jpeg-storage.js';
import { webpStorage } from './webp-storage.js';

/** How a picture was stored with loss, and so how far its pixels may lie from the original's. */
export interface LossyStorage {
  /** In words, for people: `JPEG of quality 72`. */
  readonly told: string;
  /**
   * Mean square of the quantisation steps of luma where pictures have their contents, in squared levels of an orthonormal
   * transform, so that formats compare; 1 or more.
   */
  readonly squaredStep: number;
  /** Bytes that the pixels take. */
  readonly pixelBytes: number;
}

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
