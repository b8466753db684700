/** A block of a GIF (GIF89a specification, 17 to 27). */
export interface GifBlock {
  /** Its first byte. */
  readonly kind: number;
  readonly start: number;
  /** Behind it; undefined where the file ends within it. */
  readonly end: number | undefined;
}

export const imageBlock = 0x2c;
export const extensionBlock = 0x21;

/** Bytes of a table of colours, by the flags of a screen's or an image's descriptor. */
const tableLength = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

/** Where the first block begins: behind the screen's descriptor and its table of colours. */
export const firstBlock = (gif: Uint8Array): number => 13 + tableLength(gif[10] ?? 0);

/** The blocks up to the trailer, or to something that is no block, which is the decoder's to judge. */
export function* gifBlocks(gif: Uint8Array): Generator<GifBlock> {
  /** Behind the chain of sub-blocks that starts here. */
  const skipChain = (from: number): number | undefined => {
    for (let at = from; at < gif.length; at += 1 + gif[at]!) if (gif[at] === 0) return at + 1;
    return undefined;
  };
  for (let start = firstBlock(gif); start < gif.length;) {
    const kind = gif[start]!;
    if (kind !== imageBlock && kind !== extensionBlock) return;
    // Image descriptor, its table of colours, the code size, then the pixels.
    const flags = gif[start + 9];
    const chain =
      kind === extensionBlock ? start + 2 : flags === undefined ? gif.length : start + 11 + tableLength(flags);
    const end = skipChain(chain);
    yield { kind, start, end };
    if (end === undefined) return;
    start = end;
  }
}

/**
 * Whether a GIF ends in the middle of something. Its decoder shows what there is of such a file without a word: the last
 * frames are missing. One that lacks nothing but its last byte is taken as whole, as it is by browsers.
 */
export function isGifCutShort(gif: Uint8Array): boolean {
  if (firstBlock(gif) > gif.length) return true;
  for (const { end } of gifBlocks(gif)) if (end === undefined) return true;
  return false;
}
