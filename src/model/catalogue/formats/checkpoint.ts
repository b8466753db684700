import type { ModelFormat } from './format.js';

/** How torch's older files begin: a pickle of the number 0x1950a86a20f9469cfc6c. */
export const LEGACY_MAGIC = [
  0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
] as const;

/** The longest header that the format of safetensors allows, in bytes. */
const MOST_HEADER = 100_000_000;

/** Checkpoints of PyTorch: what `torch.save` writes (`.pth`, `.pt`, `.ckpt`), and `.safetensors`. */
export const checkpointFormat: ModelFormat = {
  name: 'checkpoint',
  accepts: (_path, bytes) => isZip(bytes) || isLegacy(bytes) || isSafetensors(bytes),
  companions: () => [],
};

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, at) => bytes[at] === byte);

const isZip = (bytes: Uint8Array): boolean => startsWith(bytes, [0x50, 0x4b, 0x03, 0x04]);
export const isLegacy = (bytes: Uint8Array): boolean => startsWith(bytes, LEGACY_MAGIC);

/** A length that fits into the file, and the brace of an object. */
export function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 10 || bytes[8] !== 0x7b) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return length <= BigInt(Math.min(bytes.length - 8, MOST_HEADER));
}
