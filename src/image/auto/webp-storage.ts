import type { LossyStorage } from './lossy-storage.js';

/**
 * The AC steps of VP8's 128 quantisers (RFC 6386, 14.1) between which the others lie in a straight line: quantiser, step.
 */
const acSteps = [
  [0, 4],
  [54, 58],
  [83, 116],
  [103, 176],
  [116, 229],
  [127, 284],
] as const;

/** Behind the container's own header. */
const firstChunk = 12;

/** VP8's transform makes coefficients twice as large as an orthonormal one (RFC 6386, 14.3: a lone DC is divided by 8, not 4). */
const coefficientScale = 2;

/**
 * Reads how the first picture of a WebP was stored.
 *
 * @returns undefined where nothing was lost (VP8L), or where the file is not understood
 */
export function webpStorage(file: Uint8Array): LossyStorage | undefined {
  const frame = findFrame(file, firstChunk, file.length);
  if (frame === undefined || frame === 'lossless') return undefined;
  const quantiser = readQuantiser(frame);
  if (quantiser === undefined) return undefined;
  const step = between(acSteps, quantiser) / coefficientScale;
  return {
    told: `WebP of quantiser ${Math.round(quantiser)} of 127`,
    squaredStep: Math.max(1, step ** 2),
    pixelBytes: frame.length,
  };
}

/** Where a number lies on a line through these points, which ascend. */
export function between(points: readonly (readonly [at: number, value: number])[], at: number): number {
  const right = Math.max(
    1,
    points.findIndex(([end]) => end >= at),
  );
  const [from, first] = points[right - 1]!;
  const [to, last] = points[right]!;
  return first + ((last - first) * (at - from)) / (to - from);
}

/** Whether its first frame is stored without loss. */
export function isLosslessWebp(file: Uint8Array): boolean {
  return findFrame(file, firstChunk, file.length) === 'lossless';
}

/** The `VP8 ` chunk that comes first, inside the first frame of an animation too. */
function findFrame(file: Uint8Array, start: number, end: number): Uint8Array | 'lossless' | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = start; at + 8 <= end;) {
    const name = String.fromCharCode(...file.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (name === 'VP8 ') return file.subarray(body, Math.min(end, body + length));
    if (name === 'VP8L') return 'lossless';
    // A frame's place, size and duration come before its own chunks.
    if (name === 'ANMF') return findFrame(file, body + 16, Math.min(end, body + length));
    at = body + length + (length & 1);
  }
  return undefined;
}

/** The mean quantiser of a key frame's segments, 0 to 127 (RFC 6386, 9.1 to 9.6, 19.2). */
function readQuantiser(frame: Uint8Array): number | undefined {
  const isKeyFrame = ((frame[0] ?? 1) & 1) === 0;
  if (!isKeyFrame || frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return undefined;
  const header = new BoolReader(frame.subarray(10));
  // Colour space and clamping.
  header.literal(2);
  let segments: { absolute: boolean; quantisers: number[] } | undefined;
  if (header.flag()) {
    const updatesMap = header.flag();
    if (header.flag()) {
      const absolute = header.flag();
      segments = { absolute, quantisers: [0, 1, 2, 3].map(() => (header.flag() ? header.signed(7) : 0)) };
      for (let level = 0; level < 4; level++) if (header.flag()) header.signed(6);
    }
    if (updatesMap) for (let node = 0; node < 3; node++) if (header.flag()) header.literal(8);
  }
  // The loop filter's kind, level and sharpness.
  header.literal(10);
  if (header.flag() && header.flag()) for (let delta = 0; delta < 8; delta++) if (header.flag()) header.signed(6);
  // Partitions.
  header.literal(2);
  const base = header.literal(7);
  if (header.overran) return undefined;
  if (!segments) return base;
  const { absolute, quantisers } = segments;
  const own = quantisers.map((value) => Math.min(127, Math.max(0, absolute ? value : base + value)));
  return own.reduce((sum, value) => sum + value, 0) / own.length;
}

/** The boolean entropy decoder of RFC 6386, 7.3, for bits that are as likely 0 as 1. Behind the end are zeros. */
class BoolReader {
  private at = 2;
  private value: number;
  private range = 255;
  private bits = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.value = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  }

  get overran(): boolean {
    return this.at > this.bytes.length;
  }

  flag(): boolean {
    const split = 1 + (((this.range - 1) * 128) >> 8);
    const isSet = this.value >= split << 8;
    if (isSet) {
      this.range -= split;
      this.value -= split << 8;
    } else {
      this.range = split;
    }
    while (this.range < 128) {
      this.value <<= 1;
      this.range <<= 1;
      if (++this.bits === 8) {
        this.bits = 0;
        this.value |= this.bytes[this.at++] ?? 0;
      }
    }
    return isSet;
  }

  literal(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++) value = value * 2 + Number(this.flag());
    return value;
  }

  /** A magnitude, and its sign. */
  signed(count: number): number {
    const magnitude = this.literal(count);
    return this.flag() ? -magnitude : magnitude;
  }
}
