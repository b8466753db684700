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

/** How the main files of networks end: ONNX, and the foreign formats that there are importers for. */
const MODEL_EXTENSIONS = ['.onnx', '.param', '.json', '.rsr', '.pth', '.pt', '.ckpt', '.safetensors'] as const;

/** Whether a text can only be meant as the path of a network's file, whatever lies there: it has a folder, or such an ending. */
export function looksLikePath(model: string): boolean {
  const lower = model.toLowerCase();
  return /[/\\]/.test(model) || MODEL_EXTENSIONS.some((extension) => lower.endsWith(extension));
}
