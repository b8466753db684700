/**
 * Whether a GIF ends in the middle of something. Its decoder shows what there is of such a file without a word: the last
 * frames are missing. One that lacks nothing but its last byte is taken as whole, as it is by browsers.
 *
 * Blocks as in the GIF89a specification, 17 to 27.
 */
export function isGifCutShort(bytes: Uint8Array): boolean {
  const tableLength = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  /** Behind the chain of sub-blocks that starts here, or -1. */
  const skipChain = (from: number): number => {
    for (let at = from; at < bytes.length; at += 1 + bytes[at]!) if (bytes[at] === 0) return at + 1;
    return -1;
  };
  let at = 13 + tableLength(bytes[10] ?? 0);
  while (at >= 0 && at < bytes.length) {
    const kind = bytes[at];
    if (kind === 0x2c) {
      // Image descriptor, its table of colours, the code size, then the pixels.
      const flags = bytes[at + 9];
      if (flags === undefined) return true;
      at = skipChain(at + 10 + tableLength(flags) + 1);
    } else if (kind === 0x21) {
      at = skipChain(at + 2);
    } else {
      // The trailer; or something that is no block, which is the decoder's to judge.
      return false;
    }
  }
  return at !== bytes.length;
}
