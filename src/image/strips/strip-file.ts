import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode, messageOf, UpresError } from '../../errors.js';

interface Shape {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** 3 for R, G and B; 1 for grey. */
  readonly channels: 1 | 3;
}

/** Rows that a reader takes at a time. */
const rowsPerStrip = 16;

/**
 * Pixels of 8 bits that are not in memory: a BigTIFF without compression in the folder for temporary files. Its rows can be
 * written and read in any order, and encoders read it from top to bottom, a few rows at a time.
 *
 * (TIFF 6.0 by Adobe, 1992; BigTIFF as libtiff describes it, with offsets of 8 bytes.)
 */
export class StripFile implements Shape {
  private constructor(
    readonly width: number,
    readonly height: number,
    readonly channels: 1 | 3,
    /** Where it lies, until it is removed. */
    readonly path: string,
    private readonly folder: string,
    private readonly file: FileHandle,
    /** Where the first row begins. */
    private readonly start: number,
  ) {}

  /** @throws DISK_FULL, OUTPUT_UNWRITABLE */
  static async create({ width, height, channels }: Shape): Promise<StripFile> {
    const folder = await telling(mkdtemp(join(tmpdir(), 'upres-strips-')));
    try {
      const path = join(folder, 'pixels.tif');
      const file = await telling(open(path, 'wx+', 0o600));
      const header = tiffHeader({ width, height, channels });
      await telling(file.write(header, 0, header.length, 0));
      return new StripFile(width, height, channels, path, folder, file, header.length);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** @throws DISK_FULL, OUTPUT_UNWRITABLE */
  async writeRows(first: number, pixels: Uint8Array): Promise<void> {
    let done = 0;
    while (done < pixels.length) {
      const at = this.offsetOf(first) + done;
      done += (await telling(this.file.write(pixels, done, pixels.length - done, at))).bytesWritten;
    }
  }

  /**
   * Rows that were written, from the first to before `end`.
   * @param memory for them, from its beginning
   */
  async readRows(first: number, end: number, memory?: ArrayBufferLike): Promise<Uint8Array> {
    const bytes = (end - first) * this.width * this.channels;
    const pixels = new Uint8Array(memory ?? new ArrayBuffer(bytes), 0, bytes);
    let done = 0;
    while (done < pixels.length) {
      const { bytesRead } = await telling(
        this.file.read(pixels, done, pixels.length - done, this.offsetOf(first) + done),
      );
      if (bytesRead === 0) throw new UpresError('OUTPUT_UNWRITABLE', `${this.path} was cut short while it was in use`);
      done += bytesRead;
    }
    return pixels;
  }

  /** Removes it. Calling it twice does no harm. */
  async remove(): Promise<void> {
    await this.file.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private offsetOf(row: number): number {
    return this.start + row * this.width * this.channels;
  }
}

/** Names the folder, which the user can choose. */
async function telling<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const full = hasCode(error, 'ENOSPC', 'EDQUOT');
    throw new UpresError(
      full ? 'DISK_FULL' : 'OUTPUT_UNWRITABLE',
      `pixels of a large picture can’t be put into the folder for temporary files (${tmpdir()}; TMPDIR names another): ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** Types of a TIFF's entries. */
const short = 3;
const long8 = 16;

/** Everything of a TIFF but its pixels, which follow. */
function tiffHeader({ width, height, channels }: Shape): Buffer {
  const strips = Math.ceil(height / rowsPerStrip);
  const rowBytes = width * channels;
  const offsets = Array.from({ length: strips }, (_, strip) => strip * rowsPerStrip * rowBytes);
  const lengths = offsets.map((_, strip) => Math.min(rowsPerStrip, height - strip * rowsPerStrip) * rowBytes);
  const entries: readonly (readonly [tag: number, type: typeof short | typeof long8, values: number[]])[] = [
    [256, long8, [width]],
    [257, long8, [height]],
    [258, short, Array.from({ length: channels }, () => 8)],
    [259, short, [1]], // no compression
    [262, short, [channels === 1 ? 1 : 2]], // black is 0; RGB
    [273, long8, offsets],
    [277, short, [channels]],
    [278, long8, [rowsPerStrip]],
    [279, long8, lengths],
  ];
  const directory = 16;
  const entryBytes = 20;
  let end = directory + 8 + entries.length * entryBytes + 8;
  const places = entries.map(([, type, values]) => {
    const bytes = values.length * (type === short ? 2 : 8);
    if (bytes <= 8) return undefined;
    const place = end;
    end += Math.ceil(bytes / 8) * 8;
    return place;
  });
  const header = Buffer.alloc(end);
  header.write('II', 0, 'latin1');
  header.writeUInt16LE(43, 2); // BigTIFF
  header.writeUInt16LE(8, 4); // bytes of an offset
  header.writeBigUInt64LE(BigInt(directory), 8);
  header.writeBigUInt64LE(BigInt(entries.length), directory);
  entries.forEach(([tag, type, values], index) => {
    const at = directory + 8 + index * entryBytes;
    header.writeUInt16LE(tag, at);
    header.writeUInt16LE(type, at + 2);
    header.writeBigUInt64LE(BigInt(values.length), at + 4);
    const place = places[index];
    if (place !== undefined) header.writeBigUInt64LE(BigInt(place), at + 12);
    values.forEach((value, position) => {
      const to = (place ?? at + 12) + position * (type === short ? 2 : 8);
      if (type === short) header.writeUInt16LE(value, to);
      else header.writeBigUInt64LE(BigInt(tag === 273 ? end + value : value), to);
    });
  });
  return header;
}
