import { UpresError } from '../../../../errors.js';
import { PARAM_MAGIC } from '../../../catalogue/formats/ncnn.js';
import { Layer, type ParamValue } from './layer.js';

// https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure

/** Parameters numbered from here downwards are lists: -23310 is the list 10. */
const FIRST_LIST = -23300;

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Reads the layers of a `.param` file, in the file's order, which is that of their weights. Throws MODEL_INVALID. */
export function parseParam(bytes: Uint8Array, file: string): Layer[] {
  const invalid = (line: number, what: string): UpresError =>
    new UpresError('MODEL_INVALID', `${file}, line ${line}: ${what}. Copy or convert the file again.`, { file });
  const rows = new TextDecoder()
    .decode(bytes)
    .split('\n')
    .map((text, index) => ({ line: index + 1, words: text.trim().split(/\s+/) }))
    .filter(({ words }) => words[0] !== '');
  const [magic, counts, ...lines] = rows;
  if (magic?.words.join(' ') !== PARAM_MAGIC)
    throw invalid(1, `this is no ncnn network, which begins with ${PARAM_MAGIC}`);
  const claimed = wholeNumber(counts?.words[0]);
  if (claimed === undefined || wholeNumber(counts?.words[1]) === undefined) {
    throw invalid(counts?.line ?? 2, 'the numbers of layers and of blobs are missing');
  }
  if (lines.length !== claimed) {
    const last = rows.at(-1)!.line;
    throw invalid(
      last,
      `the file ends after ${lines.length} layers, and says that it has ${claimed}: it was cut short`,
    );
  }
  return lines.map(({ line, words }) => parseLayer(file, line, words, (what) => invalid(line, what)));
}

function parseLayer(
  file: string,
  line: number,
  words: readonly string[],
  invalid: (what: string) => UpresError,
): Layer {
  const [type = '', name = '', inputWord, outputWord] = words;
  const inputs = wholeNumber(inputWord);
  const outputs = wholeNumber(outputWord);
  if (inputs === undefined || outputs === undefined) {
    throw invalid('a layer is written as its type, its name and the numbers of its inputs and outputs');
  }
  const blobs = words.slice(4, 4 + inputs + outputs);
  if (blobs.length < inputs + outputs || blobs.some((blob) => blob.includes('='))) {
    throw invalid(`the layer ${type} "${name}" must name ${inputs} inputs and ${outputs} outputs, and does not`);
  }
  const params = new Map<number, ParamValue>();
  for (const word of words.slice(4 + inputs + outputs)) {
    const [, key, text] = /^(-?\d+)=(.*)$/.exec(word) ?? [];
    if (key === undefined || text === undefined) {
      throw invalid(`the layer ${type} "${name}" has "${word}" where a parameter must stand: a number, "=", a value`);
    }
    const id = Number(key);
    if (id > FIRST_LIST) {
      params.set(id, valueOf(text));
      continue;
    }
    const [length, ...items] = text.split(',').map(valueOf);
    const numbers = items.filter((item) => typeof item === 'number');
    if (length !== items.length || numbers.length !== items.length) {
      throw invalid(`the layer ${type} "${name}" has a list "${word}" that is not as long as it says`);
    }
    params.set(FIRST_LIST - id, numbers);
  }
  return new Layer(file, line, type, name, blobs.slice(0, inputs), blobs.slice(inputs), params);
}

function valueOf(text: string): ParamValue {
  if (isNumber(text)) return Number(text);
  // Newer files may write a list without its length.
  const items = text.split(',');
  return items.length > 1 && items.every(isNumber) ? items.map(Number) : text;
}

/** Whether it is a number that a float32 can hold. */
function isNumber(text: string): boolean {
  return NUMBER.test(text) && Number.isFinite(Math.fround(Number(text)));
}

/** A count. Undefined for what is none, or more than any file could hold. */
function wholeNumber(word: string | undefined): number | undefined {
  return word !== undefined && /^\d{1,7}$/.test(word) ? Number(word) : undefined;
}
