import fs, { type Stats } from 'node:fs';
import { appendFile, mkdir, open, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { hasCode } from './errors.js';

// A small file that lies in the system's memory is read or written in some hundredths of a millisecond, and handing that to another
// thread and back takes several times as long. So files are worked on at once as long as the disk answers at once; a disk that is
// slow, or far away, is waited for in other threads.

/** Bytes of a file that is worked on at once. */
const small = 1 << 18;
/** A disk is slow if it takes more milliseconds for that twice in a row: where others want the processor, once says nothing. */
const slowMs = 2;
/** And if it takes more than that once. */
const verySlowMs = 100;
/** For so many times as long as it took, all is handed to other threads. */
const slowFor = 50;

const stat = promisify(fs.stat);
// Handles, which `node:fs/promises` takes, cost twice the processor time.
const read = promisify(fs.readFile);

/** Until when, by `performance.now()`, the disk counts as slow. */
let slowUntil = 0;
let wasSlow = false;

function onDisk<T>(bytes: number, quick: () => T, inThread: () => Promise<T>): T | Promise<T> {
  const start = performance.now();
  if (!isQuick(bytes, start)) return inThread();
  try {
    return quick();
  } finally {
    judge(start);
  }
}

function isQuick(bytes: number, now: number): boolean {
  return bytes <= small && now >= slowUntil;
}

/** Sees how long the disk took. */
function judge(start: number): void {
  const end = performance.now();
  const took = end - start;
  if (took > (wasSlow ? slowMs : verySlowMs)) slowUntil = end + slowFor * took;
  wasSlow = took > slowMs;
}

/**
 * All bytes of a file.
 * @param check is asked before it is opened, and throws where it is not to be
 * @throws what Node throws
 */
export async function readFile(file: string, check?: (stats: Stats) => void): Promise<Buffer> {
  const stats = await onDisk(
    0,
    () => fs.statSync(file),
    () => stat(file),
  );
  check?.(stats);
  // A pipe or a terminal may give nothing for ever, and some files of the system say that they are empty.
  if (stats.isFile() && stats.size > 0) return readOfLength(file, stats.size);
  return onDisk(
    Infinity,
    () => fs.readFileSync(file),
    () => read(file),
  );
}

/**
 * A file whose length is known, with half the calls to the system that it takes to find it out. Throws what Node throws; of a file of
 * another length it is as much as fits.
 */
export async function readOfLength(file: string, length: number): Promise<Buffer> {
  return onDisk(
    length,
    () => readPart(file, 0, length),
    () => read(file),
  );
}

/** The same at once; undefined where others would have to wait for the disk. Throws what Node throws. */
export function readOfLengthAtOnce(file: string, length: number): Buffer | undefined {
  const start = performance.now();
  if (!isQuick(length, start)) return undefined;
  try {
    return readPart(file, 0, length);
  } finally {
    judge(start);
  }
}

/**
 * What was added to a file since it had so many bytes; all of it where it is shorter than that now. Throws what Node throws.
 * @returns the data, and the place of its first byte
 */
export async function readAdded(
  file: string,
  known: number,
): Promise<{ readonly from: number; readonly data: Buffer }> {
  const { size } = await onDisk(
    0,
    () => fs.statSync(file),
    () => stat(file),
  );
  const from = size < known ? 0 : known;
  const data = await onDisk(
    size - from,
    () => (size === from ? Buffer.alloc(0) : readPart(file, from, size - from)),
    async () => (await read(file)).subarray(from, size),
  );
  return { from, data };
}

/** As many bytes as there are, at most so many. */
function readPart(file: string, position: number, length: number): Buffer {
  const handle = fs.openSync(file, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const count = fs.readSync(handle, buffer, filled, length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return buffer.subarray(0, filled);
  } finally {
    fs.closeSync(handle);
  }
}

/** The first bytes of a file, at most so many. Throws what Node throws. */
export async function readStart(file: string, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  const quick = (): number => {
    const handle = fs.openSync(file, 'r');
    try {
      return fs.readSync(handle, buffer, 0, length, 0);
    } finally {
      fs.closeSync(handle);
    }
  };
  const inThread = async (): Promise<number> => {
    await using handle = await open(file);
    return (await handle.read(buffer, 0, length, 0)).bytesRead;
  };
  // Opening what is no file may take for ever.
  if (
    !(
      await onDisk(
        0,
        () => fs.statSync(file),
        () => stat(file),
      )
    ).isFile()
  )
    return buffer.subarray(0, 0);
  return buffer.subarray(0, await onDisk(0, quick, inThread));
}

/** Permissions of a new file and of the folders that are made for it; the user's usual ones where they are left out. */
export interface Modes {
  readonly file?: number;
  readonly folder?: number;
}

/** Writes a file that must not exist yet, in a folder that is made if need be. Throws what Node throws. */
export function writeNewFile(
  file: string,
  data: Uint8Array | string,
  { file: mode, folder }: Modes = {},
): Promise<void> {
  const options = { flag: 'wx', ...(mode === undefined ? {} : { mode }) };
  return inFolder(file, folder, () =>
    onDisk(
      data.length,
      () => {
        fs.writeFileSync(file, data, options);
      },
      () => writeFile(file, data, options),
    ),
  );
}

/** Renames a file into a folder that is made if need be. Throws what Node throws. */
export function moveFile(from: string, to: string): Promise<void> {
  return inFolder(to, undefined, () =>
    onDisk(
      0,
      () => {
        fs.renameSync(from, to);
      },
      () => rename(from, to),
    ),
  );
}

/** Adds a text at the end of a file, by one write, in a folder that is made if need be. Throws what Node throws. */
export function addToFile(file: string, text: string): Promise<void> {
  return inFolder(file, undefined, () =>
    onDisk(
      text.length,
      () => {
        fs.appendFileSync(file, text);
      },
      () => appendFile(file, text),
    ),
  );
}

/** Most folders are there. */
async function inFolder(file: string, mode: number | undefined, work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await mkdir(dirname(file), { recursive: true, ...(mode === undefined ? {} : { mode }) });
    await work();
  }
}
