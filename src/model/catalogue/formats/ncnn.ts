import { basename } from 'node:path';
import { UpresError } from '../../../errors.js';
import type { ModelFormat } from './format.js';

/** The first word of a `.param` file, and as a little-endian int32 the first bytes of a binary one. */
export const PARAM_MAGIC = '7767517';
const BINARY_MAGIC = [0xdd, 0x85, 0x76, 0x00];

/** ncnn's text `<name>.param` with the layers, and `<name>.bin` with their weights. */
export const ncnnFormat: ModelFormat = {
  name: 'ncnn',
  accepts: (_path, bytes) => isParamText(bytes) || isBinaryParam(bytes),
  companions: (path, bytes) => {
    refuseBinaryParam(path, bytes);
    return [binOf(path)];
  },
};

/** Whether bytes begin as a `.param` file does. */
function isParamText(bytes: Uint8Array): boolean {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, PARAM_MAGIC.length + 1));
  return start === PARAM_MAGIC || (start.startsWith(PARAM_MAGIC) && /\s$/.test(start));
}

/** Whether bytes begin as a `.param.bin` file does, which has numbers where the text has names. */
function isBinaryParam(bytes: Uint8Array): boolean {
  return bytes.length > BINARY_MAGIC.length && BINARY_MAGIC.every((byte, at) => bytes[at] === byte);
}

/** Name of the file of weights that belongs to a `.param` file. */
export function binOf(path: string): string {
  return `${basename(path).replace(/\.param$/i, '')}.bin`;
}

/** @throws MODEL_UNSUPPORTED for a binary `.param` file */
export function refuseBinaryParam(path: string, bytes: Uint8Array): void {
  if (!isBinaryParam(bytes)) return;
  throw new UpresError(
    'MODEL_UNSUPPORTED',
    `${path} is a binary .param file, which has no names in it. Take the text .param file of the same network.`,
    { file: path },
  );
}
