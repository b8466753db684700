import { messageOf } from '../../errors.js';
import { openStorage, parseBucket } from '../../storage/open-storage.js';
import type { Storage } from '../../storage/storage.js';
import { isKey, readAll, type Kept, type RemoteEntry, type RemoteStore } from './remote-store.js';

/** Results in a bucket, `s3://bucket/prefix?endpoint=…&region=…`: an object for each, under the prefix and its key. */
export class BucketStore implements RemoteStore {
  readonly name: string;
  private opened: Promise<Storage> | undefined;

  /**
   * @param location of a bucket; who asks is known from where the SDK looks for it
   * @throws BAD_ARGUMENT
   */
  constructor(private readonly location: string) {
    const { bucket, prefix } = parseBucket(location);
    this.name = `s3://${bucket}/${prefix}`;
  }

  async load(): Promise<void> {
    await this.storage();
  }

  async get(key: string, onPiece: (piece: Uint8Array) => void): Promise<Uint8Array | undefined> {
    const found = await (await this.storage()).get(key);
    return found && readAll(found, onPiece);
  }

  async has(key: string): Promise<boolean> {
    return (await (await this.storage()).head(key)) !== undefined;
  }

  async put(key: string, bytes: Uint8Array, ifAbsent: boolean): Promise<Kept> {
    try {
      // Not every server of S3's kind knows puts with a condition; where two put one result at once, either will do.
      if (ifAbsent && (await this.has(key))) return 'there';
      await (await this.storage()).put(key, bytes);
      return 'stored';
    } catch (error) {
      // It may be read all the same.
      return { refused: messageOf(error) };
    }
  }

  async *list(): AsyncGenerator<RemoteEntry> {
    for await (const { key, bytes } of (await this.storage()).list('')) if (isKey(key)) yield { key, bytes };
  }

  close(): void {
    // Whoever asked has been told why it could not be opened.
    this.opened?.then((storage) => storage.close()).catch(() => undefined);
    this.opened = undefined;
  }

  private storage(): Promise<Storage> {
    // Loaded when it is asked for first: the SDK takes a while.
    return (this.opened ??= openStorage(this.location));
  }
}
