import sharp, { type Sharp, type SharpOptions } from 'sharp';

/** Pictures made in code, so that every test shows what it is about. */

export type Value = (x: number, y: number) => readonly number[];

/** Interleaved samples from a function of the place. */
export function samples(width: number, height: number, value: Value): Uint8Array {
  return Uint8Array.from(
    Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width))).flat(),
  );
}

export function samples16(width: number, height: number, value: Value): Uint16Array {
  return Uint16Array.from(
    Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width))).flat(),
  );
}

export type Channels = 1 | 2 | 3 | 4;

/** A sharp pipeline over pixels, in the right colour space. */
export function picture(width: number, height: number, channels: Channels, value: Value): Sharp {
  return sharp(samples(width, height, value), { raw: { width, height, channels } }).toColourspace(
    channels < 3 ? 'b-w' : 'srgb',
  );
}

export function picture16(width: number, height: number, channels: Channels, value: Value): Sharp {
  return sharp(samples16(width, height, value), { raw: { width, height, channels } }).toColourspace(
    channels < 3 ? 'grey16' : 'rgb16',
  );
}

/** Frames one below the other. */
export function animation(
  width: number,
  height: number,
  frames: number,
  value: (x: number, y: number, frame: number) => readonly number[],
): Sharp {
  const data = samples(width, height * frames, (x, y) => value(x, y % height, Math.floor(y / height)));
  return sharp(data, { raw: { width, height: height * frames, channels: 4, pageHeight: height } });
}

/** A smooth picture with something going on in every channel. */
export const scene: Value = (x, y) => [
  (128 + 100 * Math.sin(x / 5)) | 0,
  (128 + 100 * Math.cos(y / 7)) | 0,
  (128 + 100 * Math.sin((x + y) / 9)) | 0,
];

export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
  at(x: number, y: number): number[];
}

/** Decodes a result as any reader would, colours taken as they are. */
export async function decodePixels(bytes: Uint8Array, options: SharpOptions = {}): Promise<Pixels> {
  const { space, hasAlpha } = await sharp(bytes).metadata();
  const grey = space === 'b-w' || space === 'grey16';
  // Raw grey comes without its alpha.
  const doubled = grey && hasAlpha;
  const { data, info } = await sharp(bytes, options)
    .toColourspace(grey && !doubled ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (doubled) {
    const { width, height } = info;
    const greyAlpha = Buffer.from(
      Uint8Array.from({ length: width * height * 2 }, (_, at) => data[(at >> 1) * 4 + 3 * (at & 1)]!),
    );
    return pixelsOf(greyAlpha, width, height, 2);
  }
  return pixelsOf(data, info.width, info.height, info.channels);
}

function pixelsOf(data: Buffer, width: number, height: number, channels: number): Pixels {
  const at = (x: number, y: number): number[] => [...data.subarray((y * width + x) * channels).subarray(0, channels)];
  return { width, height, channels, data, at };
}

/** The same with all 16 bits. */
export async function decodePixels16(bytes: Uint8Array): Promise<{ data: Uint16Array; channels: number }> {
  const { space } = await sharp(bytes).metadata();
  const { data, info } = await sharp(bytes, { ignoreIcc: true })
    .toColourspace(space === 'grey16' ? 'grey16' : 'rgb16')
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true });
  return { data: new Uint16Array(data.buffer, data.byteOffset, data.length / 2), channels: info.channels };
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** Every pixel four times: what `nearest` makes of a picture at scale 2. */
export function doubled(data: Uint8Array | Uint16Array, width: number, channels: number): number[] {
  const rows: number[] = [];
  for (let start = 0; start < data.length; start += width * channels) {
    const row: number[] = [];
    for (let x = 0; x < width; x++) {
      const pixel = [...data.subarray(start + x * channels, start + (x + 1) * channels)];
      row.push(...pixel, ...pixel);
    }
    rows.push(...row, ...row);
  }
  return rows;
}

/** What a still picture without a profile or a palette is encoded with. */
export const plainSettings = {
  delay: undefined,
  loop: undefined,
  subsampled: false,
  palette: false,
  hidden: undefined,
  profile: undefined,
} as const;
