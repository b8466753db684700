import { messageOf } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import { isKey, readAll, type Kept, type RemoteEntry, type RemoteStore } from './remote-store.js';

/** Results in a bucket, `s3://bucket/prefix?endpoint=…&region=…`: an object for each, under the prefix and its key. */
export class BucketStore implements RemoteStore {
  readonly name: string;
  private opened: Promise<Storage> | undefined;

  /** @param location of a bucket; who asks is known from where the SDK looks for it */
  constructor(private readonly location: string) {
    this.name = location.split('?', 1)[0]!;
  }

  async get(key: string, onBytes: (count: number) => void): Promise<Uint8Array | undefined> {
    const found = await (await this.storage()).get(key);
    return found && readAll(found, onBytes);
  }

  async has(key: string): Promise<boolean> {
    return (await (await this.storage()).head(key)) !== undefined;
  }

  async put(key: string, bytes: Uint8Array, ifAbsent: boolean): Promise<Kept> {
    try {
      return (await (await this.storage()).put(key, bytes, { ifAbsent })) ? 'stored' : 'there';
    } catch (error) {
      // It may be read all the same.
      return { refused: messageOf(error) };
    }
  }

  async *list(): AsyncGenerator<RemoteEntry> {
    for await (const { key, bytes } of (await this.storage()).list('')) if (isKey(key)) yield { key, bytes };
  }

  close(): void {
    void this.opened?.then((storage) => storage.close());
    this.opened = undefined;
  }

  private storage(): Promise<Storage> {
    // Loaded when it is asked for first: the SDK takes a while.
    this.opened ??= import('../storage/open-storage.js').then(({ openStorage }) => openStorage(this.location));
    return this.opened;
  }
}
