import { promisify } from 'node:util';
import { deflate, deflateSync } from 'node:zlib';
import { inBands } from '../../event-loop.js';
import { nearPalette } from './near-palette.js';
import { pngChunk, pngSignatureLength } from './png-chunks.js';

interface Pixels8 {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 1 = grey, 2 = grey and alpha, 3 = RGB, 4 = RGB and alpha. */
  readonly channels: 1 | 2 | 3 | 4;
}

/** As many as a palette holds. */
const most = 256;

/** More levels of grey need all of their bits. */
const mostGreyLevels = 16;

/** Grey with alpha stays grey unless a palette saves more than half. */
const mostOfGreyWithAlpha = 16;

const colourType = { grey: 0, palette: 3 } as const;

/**
 * A PNG of a picture of few colours, exactly: with a palette, or with as few bits of grey as tell its levels apart. A QR code
 * takes a sixth of the bytes, an icon of flat colours a third.
 * @param near where there are more colours, a palette may stand for them whose difference from them is at most just noticeable
 * @returns undefined where that can't be, or for grey that needs all its bits
 */
export async function encodeFewColours(pixels: Pixels8, near = false): Promise<Uint8Array | undefined> {
  const counts = await coloursOf(pixels, near && pixels.channels > 2 ? Infinity : most);
  if (counts === undefined) return undefined;
  if (counts.size > most) {
    const palette = await nearPalette(counts, most, (colour) => [...rgbOf(colour, pixels), alphaOf(colour, pixels)]);
    return (
      palette &&
      encodePalette(pixels, palette.colours, (colour) => palette.colours[palette.of.get(colour)!]!, counts.keys())
    );
  }
  const colours = [...counts.keys()];
  if (pixels.channels === 2 && colours.length > mostOfGreyWithAlpha) return undefined;
  if (pixels.channels === 1) {
    const bits = [1, 2, 4].find((each) => colours.every((level) => level % greyStep(each) === 0));
    if (bits === undefined) return undefined;
    const rows = await packRows(pixels, bits, new Map(colours.map((level) => [level, level / greyStep(bits)])));
    return png(pixels, bits, colourType.grey, [], rows);
  }
  return encodePalette(pixels, colours, (colour) => colour, colours);
}

/** Whether `encodeFewColours` may find few enough, in an opaque picture that comes in parts. */
export async function hasFewColours(
  parts: AsyncIterable<Uint8Array>,
  { width, channels }: { readonly width: number; readonly channels: 1 | 3 },
): Promise<boolean> {
  const atMost = channels === 1 ? mostGreyLevels : most;
  const found = new Set<number>();
  for await (const data of parts) {
    const height = data.length / channels / width;
    const counts = await coloursOf({ data, width, height, channels }, atMost);
    for (const colour of counts?.keys() ?? []) found.add(colour);
    if (counts === undefined || found.size > atMost) return false;
  }
  return true;
}

/**
 * @param colours of the palette
 * @param standIn the one of them that stands for a colour of the picture
 * @param all colours of the picture
 */
function encodePalette(
  pixels: Pixels8,
  colours: readonly number[],
  standIn: (colour: number) => number,
  all: Iterable<number>,
): Promise<Uint8Array> {
  // Those that are see-through come first, so that the list of alphas is short.
  const sorted = [...colours].sort((one, other) => alphaOf(one, pixels) - alphaOf(other, pixels) || one - other);
  const bits = [1, 2, 4, 8].find((each) => sorted.length <= 2 ** each)!;
  const places = new Map(sorted.map((colour, index) => [colour, index]));
  const values = new Map([...all].map((colour) => [colour, places.get(standIn(colour))!]));
  const palette = sorted.flatMap((colour) => rgbOf(colour, pixels));
  const alphas = sorted.map((colour) => alphaOf(colour, pixels)).filter((alpha) => alpha < 255);
  const chunks = [
    pngChunk('PLTE', Uint8Array.from(palette)),
    ...(alphas.length > 0 ? [pngChunk('tRNS', Uint8Array.from(alphas))] : []),
  ];
  return packRows(pixels, bits, values).then((rows) => png(pixels, bits, colourType.palette, chunks, rows));
}

/** Levels of 8 bits between two of fewer. */
const greyStep = (bits: number): number => 255 / (2 ** bits - 1);

/** A pixel as one number, its channels from the highest digit to the lowest. */
function colourAt(data: Uint8Array, at: number, channels: number): number {
  let colour = 0;
  for (let channel = 0; channel < channels; channel++) colour = colour * 256 + data[at + channel]!;
  return colour;
}

/** How often each colour comes, in the order in which they do; undefined where there are more than `atMost`. */
async function coloursOf(
  { data, width, height, channels }: Pixels8,
  atMost: number,
): Promise<ReadonlyMap<number, number> | undefined> {
  const counts = new Map<number, number>();
  let last = -1;
  let run = 0;
  const settle = (): void => {
    if (run > 0) counts.set(last, (counts.get(last) ?? 0) + run);
  };
  await inBands(height, width * channels, (from, to) => {
    for (let pixel = from * width; pixel < to * width && counts.size <= atMost; pixel++) {
      const colour = colourAt(data, pixel * channels, channels);
      if (colour !== last) {
        settle();
        last = colour;
        run = 0;
      }
      run++;
    }
  });
  settle();
  return counts.size > atMost ? undefined : counts;
}

const hasAlpha = (channels: number): boolean => channels === 2 || channels === 4;
const alphaOf = (colour: number, { channels }: Pixels8): number => (hasAlpha(channels) ? colour % 256 : 255);

function rgbOf(colour: number, { channels }: Pixels8): readonly [number, number, number] {
  const own = hasAlpha(channels) ? Math.floor(colour / 256) : colour;
  return channels < 3 ? [own, own, own] : [own >> 16, (own >> 8) & 255, own & 255];
}

/** Rows without a filter, each behind the byte that says so (PNG specification, third edition, 7.2). */
async function packRows(
  { data, width, height, channels }: Pixels8,
  bits: number,
  values: ReadonlyMap<number, number>,
): Promise<Uint8Array> {
  const stride = 1 + Math.ceil((width * bits) / 8);
  const rows = new Uint8Array(stride * height);
  await inBands(height, width * channels, (from, to) => {
    for (let y = from; y < to; y++) {
      for (let x = 0; x < width; x++) {
        const value = values.get(colourAt(data, (y * width + x) * channels, channels))!;
        const at = y * stride + 1 + ((x * bits) >> 3);
        rows[at] = rows[at]! | (value << (8 - bits - ((x * bits) & 7)));
      }
    }
  });
  return rows;
}

async function png(
  { width, height }: Pixels8,
  bits: number,
  type: number,
  chunks: readonly Uint8Array[],
  rows: Uint8Array,
): Promise<Uint8Array> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  header[9] = type;
  return Buffer.concat([
    signature,
    pngChunk('IHDR', header),
    ...chunks,
    pngChunk('IDAT', await compress(rows)),
    pngChunk('IEND', new Uint8Array()),
  ]);
}

/** Bytes that are compressed at once: handing them to another thread and back takes longer. */
const small = 1 << 14;

async function compress(rows: Uint8Array): Promise<Uint8Array> {
  const settings = { level: 9 };
  return rows.length <= small ? deflateSync(rows, settings) : promisify(deflate)(rows, settings);
}

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1').subarray(0, pngSignatureLength);
