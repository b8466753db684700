import type { PlacedFrame } from './compose-frames.js';
import { pngChunk, pngChunks, pngSignatureLength } from './png-chunks.js';

/** One frame, and its time. */
interface TimedFrame extends PlacedFrame {
  readonly delayMs: number;
}

export interface Apng {
  readonly frames: readonly TimedFrame[];
  /** Number of rounds; 0 = without end. */
  readonly loop: number;
}

/** A frame as it is read: contents of its chunks of pixels. */
interface ReadFrame extends Omit<TimedFrame, 'still'> {
  /** Whether those who know no animations show it, too. */
  readonly inStill: boolean;
  readonly data: Uint8Array[];
}

/** The chunks that all frames share, but for their size: header, palette, colours. */
type SharedChunks = readonly (readonly [name: string, content: Uint8Array])[];

/** Chunks before the pixels that say what these look like. Others may be long, and each frame would have them. */
const LOOKS = new Set(['IHDR', 'PLTE', 'tRNS', 'iCCP', 'sRGB', 'gAMA', 'cHRM', 'sBIT', 'eXIf']);

/** Numbers of a PNG have no more bits. */
const mostFrames = 2 ** 31 - 1;

/** Length of `fcTL`. */
const controlLength = 26;

/**
 * Takes an animated PNG apart. As browsers show it, a picture before the first frame, for those who know no animations, is none of
 * them, and nothing counts from the first frame on that can't be right.
 * @returns undefined for what shows as any other PNG does
 */
export function readApng(png: Uint8Array): Apng | undefined {
  const shared: [string, Uint8Array][] = [];
  const frames: ReadFrame[] = [];
  let promised = 0;
  let sequence = 0;
  let loop: number | undefined;
  let size = { width: 0, height: 0 };
  let sawPixels = false;
  for (const { name, content } of pngChunks(png)) {
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    if (name === 'IHDR' && shared.length === 0) size = { width: view.getUint32(0), height: view.getUint32(4) };
    if (name === 'acTL') {
      if (sawPixels || content.length !== 8) return undefined;
      [promised, loop] = [view.getUint32(0), view.getUint32(4)];
      if (promised > mostFrames) return undefined;
    } else if (name === 'fcTL') {
      if (content.length !== controlLength || view.getUint32(0) !== sequence++) break;
      const frame = readControl(view);
      if (!isWithin(frame, size)) break;
      frames.push({ ...frame, inStill: !sawPixels, data: [] });
    } else if (name === 'IDAT') {
      if (loop === undefined) return undefined;
      sawPixels = true;
      frames.at(-1)?.data.push(content);
    } else if (name === 'fdAT') {
      if (content.length < 4 || view.getUint32(0) !== sequence++) break;
      frames.at(-1)?.data.push(content.subarray(4));
    } else if (!sawPixels && LOOKS.has(name)) {
      shared.push([name, content]);
    }
  }
  const whole = frames.filter(({ data }) => data.length > 0).slice(0, promised);
  if (loop === undefined || whole.length === 0 || (whole.length === 1 && whole[0]!.inStill)) return undefined;
  return { frames: whole.map((frame) => ({ ...frame, still: () => stillOf(frame, shared) })), loop };
}

/** Whether a PNG says, at its beginning, that it is animated. */
export function hasAnimation(head: Uint8Array): boolean {
  for (const { name } of pngChunks(head)) {
    if (name === 'acTL') return true;
    if (name === 'IDAT') return false;
  }
  return false;
}

const isWithin = (
  { x, y, width, height }: Omit<TimedFrame, 'still'>,
  size: { readonly width: number; readonly height: number },
): boolean => width > 0 && height > 0 && x + width <= size.width && y + height <= size.height;

/** PNG specification, third edition, 11.3.6.2. */
function readControl(view: DataView): Omit<TimedFrame, 'still'> {
  const uint32 = (at: number): number => view.getUint32(at);
  const unit = view.getUint16(22) || 100;
  return {
    ...{ width: uint32(4), height: uint32(8), x: uint32(12), y: uint32(16) },
    delayMs: Math.round((view.getUint16(20) * 1000) / unit),
    dispose: view.getUint8(24),
    blend: view.getUint8(25),
  };
}

/** A frame's own pixels as a PNG of their size. */
function stillOf({ width, height, data }: ReadFrame, shared: SharedChunks): Uint8Array {
  const chunks = shared.map(([name, content]) => {
    if (name !== 'IHDR') return pngChunk(name, content);
    const header = Buffer.from(content);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    return pngChunk(name, header);
  });
  return Buffer.concat([
    signature,
    ...chunks,
    pngChunk('IDAT', Buffer.concat(data)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** A rectangle of a frame, encoded as a PNG of its own. */
export interface EncodedFrame {
  readonly x: number;
  readonly y: number;
  readonly png: Uint8Array;
}

/**
 * Puts PNGs of one kind of pixels together to an animation. The first is as large as all of it; each other replaces its
 * rectangle of what was shown before.
 * @param delay milliseconds of each frame, up to 65,535
 * @param loop number of rounds; 0 = without end
 */
export function writeApng(frames: readonly EncodedFrame[], delay: readonly number[], loop: number): Uint8Array {
  const parts: Uint8Array[] = [frames[0]!.png.subarray(0, pngSignatureLength)];
  let sequence = 0;
  const numbered = (content: Uint8Array): Buffer => {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(sequence++);
    return Buffer.concat([number, content]);
  };
  for (const [index, { x, y, png }] of frames.entries()) {
    let controlled = false;
    for (const { name, content } of pngChunks(png)) {
      if (name === 'IDAT') {
        if (!controlled) {
          if (index === 0) parts.push(pngChunk('acTL', uint32s(frames.length, loop)));
          const size = new DataView(png.buffer, png.byteOffset + pngSignatureLength + 8);
          const place = uint32s(size.getUint32(0), size.getUint32(4), x, y);
          const timing = Buffer.alloc(6);
          timing.writeUInt16BE(Math.min(0xffff, Math.max(0, Math.round(delay[index] ?? 0))), 0);
          timing.writeUInt16BE(1000, 2);
          parts.push(pngChunk('fcTL', numbered(Buffer.concat([place, timing]))));
          controlled = true;
        }
        parts.push(index === 0 ? pngChunk('IDAT', content) : pngChunk('fdAT', numbered(content)));
      } else if (index === 0 && name !== 'IEND') {
        parts.push(pngChunk(name, content));
      }
    }
  }
  parts.push(pngChunk('IEND', Buffer.alloc(0)));
  return Buffer.concat(parts);
}

function uint32s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}
