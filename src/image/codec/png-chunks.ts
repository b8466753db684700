import { crc32 } from 'node:zlib';

/** A part of a PNG file (PNG specification, third edition, 5.3). */
export interface PngChunk {
  readonly name: string;
  readonly content: Uint8Array;
}

export const pngSignatureLength = 8;

/** Length and name before a chunk's content, checksum behind it. */
const frameLength = 12;

/** The chunks of a PNG in their order, up to the end or to the first that is cut short. */
export function* pngChunks(png: Uint8Array): Generator<PngChunk> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = pngSignatureLength; at + frameLength <= png.length;) {
    const length = view.getUint32(at);
    const end = at + frameLength + length;
    if (end > png.length) return;
    yield { name: String.fromCharCode(...png.subarray(at + 4, at + 8)), content: png.subarray(at + 8, end - 4) };
    at = end;
  }
}

/** A chunk as it stands in a file. */
export function pngChunk(name: string, content: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(content.length, 0);
  framed.set(named, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}
