import { readHeader, type Header } from './probe.js';

/** The bytes of one image, whose header is read once, however many look at it. They must not change. */
export class OpenedImage {
  private readingHeader: Promise<Header> | undefined;

  /** @param name for errors */
  constructor(
    readonly bytes: Uint8Array,
    private readonly name?: string,
  ) {}

  /** Without any limit applied. Throws as `readHeader`. */
  header(): Promise<Header> {
    return (this.readingHeader ??= readHeader(this.bytes, this.name));
  }
}
