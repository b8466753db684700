import type { Readable } from 'node:stream';

/** A part of what is stored: the first and the last byte, both included. */
export interface BytePart {
  readonly start: number;
  readonly end: number;
}

/** What is known of bytes that are stored, without reading them. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly modified: Date;
}

/**
 * Bytes under names that never change what they stand for: a folder, or a bucket that many machines share. Keys are paths of
 * letters, digits, `.`, `_` and `-`, with `/` between them.
 *
 * All of it throws STORAGE_UNAVAILABLE where the storage does not answer, or may not be used; DISK_FULL where it has no room.
 */
export interface Storage {
  /** Where it is, for people; without secrets. */
  readonly name: string;
  /** Sees that it answers, and lets whoever asks look into it. What is stored stays as it is. */
  check(): Promise<void>;
  /**
   * Keeps bytes, whole or not at all. When the promise resolves they outlive the end of the process and of the power.
   */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * The bytes as a stream, which must be read or destroyed; it goes on when they are deleted meanwhile.
   * @returns undefined where there is nothing
   */
  get(key: string, part?: BytePart): Promise<Readable | undefined>;
  /** All of the bytes; undefined where there are none. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** What is known of the bytes; undefined where there are none. */
  head(key: string): Promise<StoredObject | undefined>;
  /** Everything whose key begins so, in no order. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Removes these; those that are not there do no harm. */
  delete(keys: readonly string[]): Promise<void>;
  /** Removes everything whose key begins so: a path that ends with `/`. */
  deleteBelow(folder: string): Promise<void>;
  /** Lets connections go. */
  close(): Promise<void>;
}
