import type { ModelFormat } from './format.js';

/** The number 0x1950a86a20f9469cfc6c as a pickle has it, after its protocol. */
const LEGACY_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e] as const;

/** The longest header that the format of safetensors allows, in bytes. */
const MOST_HEADER = 100_000_000;

/** Checkpoints of PyTorch: what `torch.save` writes (`.pth`, `.pt`, `.ckpt`), and `.safetensors`. */
export const checkpointFormat: ModelFormat = {
  name: 'checkpoint',
  accepts: (_path, bytes) => isZip(bytes) || legacyStart(bytes) !== undefined || isSafetensors(bytes),
  companions: () => [],
};

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, at) => bytes[at] === byte);

const isZip = (bytes: Uint8Array): boolean => startsWith(bytes, [0x50, 0x4b, 0x03, 0x04]);

/** Bytes of a pickle's frame: its opcode and its length. */
const FRAME = { opcode: 0x95, length: 9 } as const;

/**
 * How torch's older files begin: a pickle of a fixed number, of protocol 2 unless the script asked for another.
 * @returns where the next pickle begins; undefined for another file
 */
export function legacyStart(bytes: Uint8Array): number | undefined {
  const [first, protocol = 0, next] = bytes;
  if (first !== 0x80 || protocol < 2 || protocol > 5) return undefined;
  const start = 2 + (next === FRAME.opcode ? FRAME.length : 0);
  return startsWith(bytes.subarray(start), LEGACY_MAGIC) ? start + LEGACY_MAGIC.length : undefined;
}

/** A length that fits into the file, and the brace of an object. */
export function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 10 || bytes[8] !== 0x7b) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return length <= BigInt(Math.min(bytes.length - 8, MOST_HEADER));
}
