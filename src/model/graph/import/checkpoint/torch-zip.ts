import { inflateRawSync } from 'node:zlib';

/** One file in an archive. */
export interface ZipEntry {
  readonly name: string;
  read(): Uint8Array;
}

/** What is wrong with an archive. */
export class ZipError extends Error {}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const [STORED, DEFLATED] = [0, 8] as const;
const MOST_ENTRIES = 100_000;
/** How much larger all that is unpacked may be than the file: weights hardly shrink. */
const MOST_GROWTH = 20;

/**
 * The files of a zip archive, by its central directory. Nothing is unpacked before it is read.
 * @throws ZipError
 */
export function readZip(bytes: Uint8Array): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const within = (at: number, length: number): number => {
    if (!(at >= 0 && length >= 0 && at + length <= bytes.length)) throw new ZipError('it is cut short');
    return at;
  };
  const u16 = (at: number): number => view.getUint16(within(at, 2), true);
  const u32 = (at: number): number => view.getUint32(within(at, 4), true);
  const u64 = (at: number): number => Number(view.getBigUint64(within(at, 8), true));

  let end = bytes.length - 22;
  // A comment may follow, of 65535 bytes at most.
  while (end >= Math.max(0, bytes.length - 22 - 0xffff) && u32(end) !== END) end--;
  if (end < 0 || u32(end) !== END) throw new ZipError('its directory is missing: it was cut short');
  let [count, at] = [u16(end + 10), u32(end + 16)];
  if ((count === 0xffff || at === 0xffffffff) && end >= 20 && u32(end - 20) === LOCATOR_64) {
    const large = u64(end - 12);
    if (u32(large) !== END_64) throw new ZipError('its directory is damaged');
    [count, at] = [u64(large + 32), u64(large + 48)];
  }
  if (count > MOST_ENTRIES) throw new ZipError(`it has ${count} files`);

  const entries: ZipEntry[] = [];
  let unpacked = 0;
  for (let index = 0; index < count; index++) {
    if (u32(at) !== CENTRAL) throw new ZipError('its directory is damaged');
    const [method, names, extras, comments] = [u16(at + 10), u16(at + 28), u16(at + 30), u16(at + 32)];
    let [packed, size, local] = [u32(at + 20), u32(at + 24), u32(at + 42)];
    const name = new TextDecoder().decode(bytes.subarray(within(at + 46, names), at + 46 + names));
    // Sizes beyond four gigabytes stand in an extra field, those of them that are needed.
    for (let extra = at + 46 + names; extra + 4 <= at + 46 + names + extras; extra += 4 + u16(extra + 2)) {
      if (u16(extra) !== 1) continue;
      let field = extra + 4;
      const next = (value: number): number => (value === 0xffffffff ? u64((field += 8) - 8) : value);
      [size, packed, local] = [next(size), next(packed), next(local)];
    }
    at += 46 + names + extras + comments;
    const read = (): Uint8Array => {
      if (u32(local) !== LOCAL) throw new ZipError(`its file ${name} is damaged`);
      const start = local + 30 + u16(local + 26) + u16(local + 28);
      const content = bytes.subarray(within(start, packed), start + packed);
      if (method === STORED && packed === size) return content;
      if (method !== DEFLATED) throw new ZipError(`its file ${name} is packed in a way that is not known`);
      unpacked += size;
      if (unpacked > bytes.length * MOST_GROWTH) throw new ZipError(`it would unpack to more than ${unpacked} bytes`);
      try {
        return inflateRawSync(content, { maxOutputLength: Math.max(1, size) });
      } catch (cause) {
        throw new ZipError(`its file ${name} is damaged`, { cause });
      }
    };
    entries.push({ name, read });
  }
  return entries;
}
