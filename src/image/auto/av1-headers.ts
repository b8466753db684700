import { BitReader } from './bit-reader.js';

const sequenceHeader = 1;
const frameHeader = 3;
const frame = 6;

/**
 * `base_q_idx` of the key frame with which AV1 data begins (AV1 bitstream specification, 5.3 to 5.9.12).
 *
 * @param data open bitstream units
 * @returns 0 to 255; undefined where it is not understood
 */
export function readQuantiserIndex(data: Uint8Array): number | undefined {
  let sequence: Sequence | undefined;
  for (const { kind, reader } of units(data)) {
    if (kind === sequenceHeader) sequence = readSequence(reader);
    else if ((kind === frameHeader || kind === frame) && sequence) {
      const index = readFrame(reader, sequence);
      return reader.overran ? undefined : index;
    }
  }
  return undefined;
}

export interface Av1Colours {
  /** Rec. ITU-T H.273, tables 2 and 3; absent where nothing is said. */
  readonly codes: { readonly primaries: number; readonly transfer: number } | undefined;
  /** Whether colours are halved in resolution, at least in one direction. */
  readonly subsampled: boolean;
  /** Whether there is one channel. */
  readonly grey: boolean;
  /** Whether black and white lie within the range of its values, as on television. */
  readonly limited: boolean;
}

/** What the sequence header of AV1 data says of its colours; undefined where it is not understood. */
export function readAv1Colours(data: Uint8Array): Av1Colours | undefined {
  for (const { kind, reader } of units(data)) {
    if (kind !== sequenceHeader) continue;
    const sequence = readSequence(reader);
    return sequence && readColours(reader, sequence);
  }
  return undefined;
}

function* units(data: Uint8Array): Generator<{ readonly kind: number; readonly reader: BitReader }> {
  for (let at = 0; at < data.length;) {
    const header = data[at]!;
    const kind = (header >> 3) & 15;
    at += header & 4 ? 2 : 1;
    let size = data.length - at;
    if (header & 2) {
      // A number of seven bits a byte, lowest first, at most eight bytes.
      size = 0;
      for (let byte = 0; byte < 8; byte++) {
        const value = data[at++] ?? 0;
        size += (value & 127) * 2 ** (7 * byte);
        if (value < 128) break;
      }
    }
    yield { kind, reader: new BitReader(data.subarray(at, at + size)) };
    at += size;
  }
}

/** What a frame's header depends on. */
interface Sequence {
  readonly profile: number;
  readonly reduced: boolean;
  readonly widthBits: number;
  readonly heightBits: number;
  readonly width: number;
  readonly height: number;
  readonly frameIdBits: number;
  readonly largeSuperblocks: boolean;
  /** 2 stands for: each frame says so. */
  readonly screenContent: number;
  readonly integerMotion: number;
  readonly orderHintBits: number;
  readonly superResolution: boolean;
}

const perFrame = 2;

/** 5.5.1, up to the colours. Undefined for films with a model of the decoder's time, which no picture has. */
function readSequence(reader: BitReader): Sequence | undefined {
  const profile = reader.bits(3);
  // Whether it is a still picture.
  reader.flag();
  const reduced = reader.flag();
  if (reduced) reader.bits(5);
  else {
    if (reader.flag()) return undefined;
    const hasDelay = reader.flag();
    for (let left = reader.bits(5); left >= 0; left--) {
      reader.bits(12);
      if (reader.bits(5) > 7) reader.flag();
      if (hasDelay && reader.flag()) reader.bits(4);
    }
  }
  const widthBits = reader.bits(4) + 1;
  const heightBits = reader.bits(4) + 1;
  const width = reader.bits(widthBits) + 1;
  const height = reader.bits(heightBits) + 1;
  const frameIdBits = !reduced && reader.flag() ? reader.bits(4) + 2 + reader.bits(3) + 1 : 0;
  const largeSuperblocks = reader.flag();
  // Filters within blocks and at their edges.
  reader.bits(2);
  const tools = reduced ? { screenContent: perFrame, integerMotion: perFrame, orderHintBits: 0 } : readTools(reader);
  const superResolution = reader.flag();
  return {
    profile,
    reduced,
    widthBits,
    heightBits,
    width,
    height,
    frameIdBits,
    largeSuperblocks,
    ...tools,
    superResolution,
  };
}

/** 5.5.1 from there, and 5.5.2. */
function readColours(reader: BitReader, { profile }: Sequence): Av1Colours | undefined {
  // Filters of directions, and restoration.
  reader.bits(2);
  const isDeep = reader.flag();
  const hasTwelveBits = profile === 2 && isDeep && reader.flag();
  const isGrey = profile !== 1 && reader.flag();
  const codes = reader.flag() ? { primaries: reader.bits(8), transfer: reader.bits(8) } : undefined;
  if (codes) reader.bits(8);
  const limited = !reader.flag();
  const subsampled = !isGrey && (profile === 0 || (profile === 2 && (!hasTwelveBits || reader.flag())));
  return reader.overran ? undefined : { codes, subsampled, grey: isGrey, limited };
}

function readTools(reader: BitReader): Pick<Sequence, 'screenContent' | 'integerMotion' | 'orderHintBits'> {
  reader.bits(4);
  const hasOrder = reader.flag();
  if (hasOrder) reader.bits(2);
  const screenContent = reader.flag() ? perFrame : reader.bits(1);
  const integerMotion = screenContent === 0 || reader.flag() ? perFrame : reader.bits(1);
  return { screenContent, integerMotion, orderHintBits: hasOrder ? reader.bits(3) + 1 : 0 };
}

/** 5.9.2, up to the quantisation parameters; of key frames that are shown. */
function readFrame(reader: BitReader, sequence: Sequence): number | undefined {
  const { reduced } = sequence;
  if (!reduced) {
    const showsExisting = reader.flag();
    const kind = reader.bits(2);
    const isShown = reader.flag();
    if (showsExisting || kind !== 0 || !isShown) return undefined;
  }
  const keepsModel = reader.flag();
  const screenContent = sequence.screenContent === perFrame ? reader.flag() : sequence.screenContent === 1;
  if (screenContent && sequence.integerMotion === perFrame) reader.flag();
  reader.bits(sequence.frameIdBits);
  const hasOwnSize = !reduced && reader.flag();
  reader.bits(sequence.orderHintBits);
  const upscaledWidth = hasOwnSize ? reader.bits(sequence.widthBits) + 1 : sequence.width;
  const height = hasOwnSize ? reader.bits(sequence.heightBits) + 1 : sequence.height;
  const denominator = sequence.superResolution && reader.flag() ? reader.bits(3) + 9 : 8;
  const width = Math.floor((upscaledWidth * 8 + denominator / 2) / denominator);
  // The size to show it at.
  if (reader.flag()) reader.bits(32);
  if (screenContent && width === upscaledWidth) reader.flag();
  if (!reduced && !keepsModel) reader.flag();
  if (!skipTiles(reader, width, height, sequence.largeSuperblocks)) return undefined;
  return reader.bits(8);
}

/** 5.9.15. False where tiles have sizes of their own. */
function skipTiles(reader: BitReader, width: number, height: number, largeSuperblocks: boolean): boolean {
  const shift = largeSuperblocks ? 7 : 6;
  const columns = (width + 2 ** shift - 1) >> shift;
  const rows = (height + 2 ** shift - 1) >> shift;
  const log2 = (from: number, to: number): number => Math.max(0, Math.ceil(Math.log2(to / from)));
  const leastColumns = log2(4096 >> shift, columns);
  const least = Math.max(leastColumns, log2((4096 * 2304) >> (2 * shift), rows * columns));
  if (!reader.flag()) return false;
  const increments = (from: number, to: number): number => {
    let value = from;
    while (value < to && reader.flag()) value++;
    return value;
  };
  const columnsLog2 = increments(leastColumns, log2(1, Math.min(columns, 64)));
  const rowsLog2 = increments(Math.max(0, least - columnsLog2), log2(1, Math.min(rows, 64)));
  if (columnsLog2 + rowsLog2 > 0) reader.bits(columnsLog2 + rowsLog2 + 2);
  return true;
}
