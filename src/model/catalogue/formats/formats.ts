import { checkpointFormat } from './checkpoint.js';
import type { ModelFormat } from './format.js';
import { ncnnFormat } from './ncnn.js';
import { tfjsFormat } from './tfjs.js';

/** `.rsr`: the networks of srgan-rust and rusty_sr. */
const rsrFormat: ModelFormat = {
  name: 'rsr',
  accepts: (path) => path.toLowerCase().endsWith('.rsr'),
  companions: () => [],
};

/** All foreign formats, in the order in which they are tried; what none of them accepts is read as ONNX. */
const formats: readonly ModelFormat[] = [tfjsFormat, rsrFormat, ncnnFormat, checkpointFormat];

/** A file's format; undefined for ONNX. */
export function formatOf(path: string, bytes: Uint8Array): ModelFormat | undefined {
  return formats.find((format) => format.accepts(path, bytes));
}
