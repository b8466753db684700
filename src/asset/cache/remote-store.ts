/** What a remote cache did with bytes that it was to keep. */
export type Kept =
  | 'stored'
  /** It was there already, and stays. */
  | 'there'
  /** Larger than what it takes. */
  | 'too large'
  /** It takes nothing, for this reason. */
  | { readonly refused: string };

/** Something in a remote cache. */
export interface RemoteEntry {
  readonly key: string;
  readonly bytes: number;
}

/**
 * Where a remote cache keeps its bytes: names are 64 hexadecimal digits, and what stands under one never changes. What fails throws an
 * error whose message says why in a few words, without secrets.
 */
export interface RemoteStore {
  /** Its host or bucket, for people; without secrets. */
  readonly name: string;
  /**
   * @param onPiece given each piece that arrives, as far as pieces are seen
   * @returns undefined where there is nothing
   */
  get(key: string, onPiece: (piece: Uint8Array) => void): Promise<Uint8Array | undefined>;
  has(key: string): Promise<boolean>;
  /** @param ifAbsent what is there stays */
  put(key: string, bytes: Uint8Array, ifAbsent: boolean): Promise<Kept>;
  /** Loads the client that it needs, if any: that takes this machine's time, and says nothing about the remote. */
  readonly load?: () => Promise<unknown>;
  /** Everything that it has; undefined where it has no list. */
  readonly list?: () => AsyncIterable<RemoteEntry>;
  /** Gives up what is under way and lets connections go; whatever is asked next opens them again. */
  close(): void;
}

/** No result is larger. */
export const mostBytes = 2 ** 30;

/** What a key looks like: whatever else lies in a bucket is not ours. */
export const isKey = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

/** @throws where there are more than any result has, or where the stream fails */
export async function readAll(
  pieces: AsyncIterable<Uint8Array>,
  onPiece: (piece: Uint8Array) => void,
): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > mostBytes) throw new Error('it sends more than any result has');
    onPiece(piece);
    read.push(piece);
  }
  return Buffer.concat(read, length);
}
