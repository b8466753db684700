import { OpenedImage } from '../image/opened-image.js';
import { digest } from './digest.js';

/** A source, which is hashed once for all names of its results. */
export class SourceImage extends OpenedImage {
  private hashing: Promise<string> | undefined;

  /** What stands for it in the names of its results: SHA-256 in hexadecimal digits. */
  hash(): Promise<string> {
    return (this.hashing ??= digest(this.bytes, 'sha256', 'hex'));
  }
}
