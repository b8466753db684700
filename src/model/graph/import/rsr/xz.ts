import { damaged } from '../damaged.js';

/** How a stream of xz begins: magic, then flags. (The .xz File Format 1.2.1, https://tukaani.org/xz/xz-file-format.txt) */
const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const HEADER_SIZE = 12;
const FOOTER_SIZE = 12;

/** Where the first block's header lies, and the parts of it that are read. */
const BLOCK = { start: HEADER_SIZE, flags: HEADER_SIZE + 1, filter: HEADER_SIZE + 2 } as const;
const LZMA2 = 0x21;
/** log2-like code of a dictionary of 64 MiB, xz's largest preset. */
const LARGEST_DICTIONARY = 28;

/** Networks of this family have a megabyte or two. */
const MAX_FILE = 64 * 2 ** 20;
const MAX_CONTENT = 256 * 2 ** 20;
/** Trained weights hardly shrink; files that grow more than this when they are unpacked were made to fill the memory. */
const MAX_RATIO = 100;

/** Whether bytes begin as a stream of xz does. */
function isXz(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, index) => bytes[index] === byte);
}

/**
 * Unpacks a file that is one stream of xz with the filter LZMA2, as liblzma's presets write it. The size is read from the index
 * at its end first, and never more than that is unpacked.
 * @throws MODEL_INVALID for anything else, for damage (the stream's checksums tell) and for sizes beyond reason
 */
export async function unpackXz(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  const size = contentSize(bytes, path);
  const content = new Uint8Array(size);
  let filled = 0;
  // Loaded only for those who have such a file: it is compiled when it is imported.
  const { default: xz } = await import('xz-decompress');
  const packed = new ReadableStream<Uint8Array>({
    start(controller) {
      // A copy over memory of its own: the decoder takes the buffer as a whole.
      controller.enqueue(Uint8Array.from(bytes));
      controller.close();
    },
  });
  const reader = new xz.XzReadableStream(packed).getReader();
  for (;;) {
    let step;
    try {
      step = await reader.read();
    } catch (error) {
      throw damaged(path, BLOCK.start, `its compressed content fails after ${filled} of ${size} bytes`, error);
    }
    if (step.done) break;
    if (filled + step.value.length > size) {
      await reader.cancel().catch(() => undefined);
      throw damaged(path, BLOCK.start, `its content is larger than the ${size} bytes that its index states`);
    }
    content.set(step.value, filled);
    filled += step.value.length;
  }
  if (filled !== size) {
    throw damaged(path, BLOCK.start, `its content has ${filled} bytes where its index states ${size}`);
  }
  return content;
}

/** Reads the index and refuses what can't be right before anything is unpacked. */
function contentSize(bytes: Uint8Array, path: string): number {
  const wrong = (offset: number, what: string): Error => damaged(path, offset, what);
  if (bytes.length > MAX_FILE) throw wrong(MAX_FILE, `it goes on: no such network is larger than ${MAX_FILE} bytes`);
  if (!isXz(bytes)) throw wrong(0, 'the mark of xz compression is missing');
  const footer = bytes.length - FOOTER_SIZE;
  if (
    bytes.length % 4 !== 0 ||
    footer < HEADER_SIZE + 4 ||
    bytes[footer + 10] !== 0x59 ||
    bytes[footer + 11] !== 0x5a
  ) {
    throw wrong(Math.max(0, footer), 'the end of the compressed stream is missing, or something follows it');
  }
  const dictionary = bytes[BLOCK.filter + 2] ?? 0;
  // One filter, without sizes of its own: that is a zero in the flags.
  if (bytes[BLOCK.flags] !== 0 || bytes[BLOCK.filter] !== LZMA2 || dictionary > LARGEST_DICTIONARY) {
    throw wrong(BLOCK.flags, 'it is compressed in an unusual way (LZMA2 with a dictionary up to 64 MiB is known)');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = footer - (view.getUint32(footer + 4, true) + 1) * 4;
  if (start < HEADER_SIZE || bytes[start] !== 0) throw wrong(footer + 4, 'its index is not where it should be');
  const records = readVarint(bytes, start + 1, footer);
  if (records?.value !== 1) throw wrong(start + 1, 'its index should list one block');
  const packed = readVarint(bytes, records.next, footer);
  const content = packed && readVarint(bytes, packed.next, footer);
  if (!content) throw wrong(records.next, 'its index is cut short');
  const most = Math.min(MAX_CONTENT, bytes.length * MAX_RATIO);
  if (content.value > most) {
    throw wrong(
      packed.next,
      `its index states ${content.value} bytes of content, more than ${most} can't be a network`,
    );
  }
  return content.value;
}

/** A number in groups of seven bits, the lowest first; a set top bit says that more follow. */
function readVarint(bytes: Uint8Array, at: number, end: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let index = 0; index < 7 && at + index < end; index++) {
    const byte = bytes[at + index]!;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, next: at + index + 1 };
  }
  return undefined;
}
