import { digest } from '../digest.js';
import type { Header } from './codec/header.js';
import { fileOf, readInput, type ImageInput } from './source.js';
import type { Progress } from '../pixels.js';

/**
 * The file or the bytes of one image, opened once for all that is made of it: read, hashed, its header read, and decoded for
 * those who need its pixels at the same time. What is given or read must not change.
 */
export class Source {
  private reading: Promise<Uint8Array> | undefined;
  private readingHeader: Promise<Header> | undefined;
  private hashing: Promise<string> | undefined;
  private readonly shared = new Map<string, Promise<object> | WeakRef<object>>();
  private readonly listeners = new Map<string, Set<(progress: Progress) => void>>();

  /** What those who decoded it found odd, in words for people. */
  readonly warnings = new Set<string>();

  constructor(private readonly input: ImageInput) {}

  /** Its path, where it is a file. */
  get file(): string | undefined {
    return fileOf(this.input);
  }

  /** A source as it is, or the one of a file or of bytes. */
  static of(input: ImageInput | Source): Source {
    return input instanceof Source ? input : new Source(input);
  }

  /** Whether its bytes are in memory, or about to be. */
  get isOpen(): boolean {
    return this.reading !== undefined || typeof this.input !== 'string';
  }

  /** @throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_EMPTY, INPUT_TOO_LARGE for a file, which they name */
  bytes(): Promise<Uint8Array> {
    return (this.reading ??= typeof this.input === 'string' ? readInput(this.input) : Promise.resolve(this.input));
  }

  /** @internal Lets the bytes of a file go; who asks for them reads it again. */
  release(): void {
    if (typeof this.input === 'string') this.reading = undefined;
  }

  /** Without any limit applied. Throws as `bytes` and `readHeader`; the latter's errors name no file. */
  header(): Promise<Header> {
    return (this.readingHeader ??= this.readHeader());
  }

  private async readHeader(): Promise<Header> {
    const [bytes, { readHeader }] = await Promise.all([this.bytes(), import('./codec/read-header.js')]);
    return readHeader(bytes);
  }

  /** What stands for it in the names of its results: SHA-256 in hexadecimal digits. */
  hash(): Promise<string> {
    return (this.hashing ??= this.bytes().then((bytes) => digest(bytes, 'sha256', 'hex')));
  }

  /**
   * Makes something of the image for all who want it at the same time, and for those who come while it is still in memory:
   * this holds nothing itself, so what is used counts as its users' memory.
   * @param what names it and everything that it depends on
   * @param make is not called where it is there, or is being made; a caller who takes what others make shares their failure
   * @param onProgress hears what whoever makes it tells of its progress
   */
  async share<T extends object>(
    what: string,
    make: (tell: (progress: Progress) => void) => Promise<T>,
    onProgress: (progress: Progress) => void = () => undefined,
  ): Promise<T> {
    const known = this.shared.get(what);
    const there = known instanceof WeakRef ? known.deref() : known;
    if (there) {
      this.listeners.get(what)?.add(onProgress);
      return there as T | Promise<T>;
    }
    const listeners = new Set([onProgress]);
    this.listeners.set(what, listeners);
    const making = make((progress) => {
      for (const listener of listeners) listener(progress);
    });
    this.shared.set(what, making);
    try {
      const made = await making;
      this.shared.set(what, new WeakRef(made));
      return made;
    } catch (error) {
      this.shared.delete(what);
      throw error;
    } finally {
      this.listeners.delete(what);
    }
  }
}
