import { crc32, deflateSync } from 'node:zlib';

/** One chunk of a PNG file. */
export function pngChunk(name: string, content: readonly number[] | Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), Uint8Array.from(content)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, checksum]);
}

export function pngHeader(width: number, height: number, bits: number, colourType: number): Buffer {
  const content = Buffer.alloc(13);
  content.writeUInt32BE(width, 0);
  content.writeUInt32BE(height, 4);
  content[8] = bits;
  content[9] = colourType;
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), pngChunk('IHDR', content)]);
}

/**
 * A PNG as sharp does not write them: one sample of `bits` bits for each pixel.
 *
 * @param colourType 0 = grey, 3 = palette
 */
export function pngOf(
  width: number,
  height: number,
  bits: 1 | 2 | 4 | 8,
  colourType: 0 | 3,
  value: (x: number, y: number) => number,
  chunks: Readonly<Record<string, readonly number[]>> = {},
): Buffer {
  const stride = 1 + Math.ceil((width * bits) / 8);
  const rows = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * stride + 1 + Math.floor((x * bits) / 8);
      rows[at] = rows[at]! | (value(x, y) << (8 - bits - ((x * bits) % 8)));
    }
  }
  return Buffer.concat([
    pngHeader(width, height, bits, colourType),
    ...Object.entries(chunks).map(([name, content]) => pngChunk(name, content)),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', []),
  ]);
}
