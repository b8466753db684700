import { messageOf } from '../../../../errors.js';
import { bytesOf, countOf, isElementType, plainStrides, type StoredTensor } from './tensor.js';
import { withoutPrefix, type StateDict } from './torch-file.js';

/** What is wrong with a `.safetensors` file. */
export class SafetensorsError extends Error {}

/**
 * Reads a `.safetensors` file: the length of a header, the header as JSON, and the tensors one after another
 * (https://github.com/huggingface/safetensors#format).
 * @throws SafetensorsError
 */
export function readSafetensors(bytes: Uint8Array): StateDict {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true));
  if (!(8 + length <= bytes.length)) throw new SafetensorsError('its header is cut short');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch (cause) {
    throw new SafetensorsError(`its header is no JSON (${messageOf(cause)})`, { cause });
  }
  const data = bytes.subarray(8 + length);
  const result = new Map<string, StoredTensor>();
  let used = 0;
  for (const [name, entry] of Object.entries(header as Record<string, unknown>)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    const wrong = (what: string): SafetensorsError => new SafetensorsError(`its tensor ${name.slice(0, 100)} ${what}`);
    if (typeof dtype !== 'string' || !isElementType(dtype)) throw wrong('has numbers of a kind that is not known');
    if (!areSizes(shape) || shape.length > 8 || !areSizes(offsets) || offsets.length !== 2) throw wrong('is damaged');
    const [from, to] = offsets as [number, number];
    if (to > data.length || to - from !== countOf(shape) * bytesOf(dtype)) throw wrong('does not fit its weights');
    used += to - from;
    if (used > data.length) throw wrong('shares its weights with others');
    result.set(name, { type: dtype, shape, strides: plainStrides(shape), offset: 0, bytes: data.subarray(from, to) });
  }
  return withoutPrefix(result);
}

const areSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && (one as number) >= 0);
