import { UpresError } from '../../errors.js';
import {
  choice,
  list,
  literal,
  mistakeIn,
  number,
  object,
  options,
  text,
  whole,
  type Schema,
  type TypeOf,
} from '../../schema.js';
import { computingOptions } from './computing.js';
import { channelOrder, valueRange } from './colours.js';

const side = {
  /** Order of the dimensions: batch N, channels C, height H, width W. */
  layout: choice(['NCHW', 'NHWC']),
  type: choice(['float32', 'float16', 'uint8']),
  /** The values that stand for black and white. */
  range: valueRange,
  /** 3: RGB. 1: luma (Y of BT.601, full range). */
  channels: literal(1, 3),
};
/** What three channels are; RGB where it is not said. */
const order = { order: channelOrder };

const words = text('a text', { least: 0 });
const count = whole({ from: 0 });

const described = {
  label: words,
  /** The name to show. */
  display: words,
  /** What kind of picture it is for. */
  for: words,
  licence: words,
  author: words,
  /** Where it came from. */
  source: words,
  /** The ONNX file, next to the card; empty for graphs that are built in code. */
  file: words,
};
const hashed = { sha256: text('64 hexadecimal digits', { pattern: /^[0-9a-fA-F]{64}$/ }) };
const measured = {
  /** Output pixels per input pixel; a user's file may leave it to be found in the graph. */
  scale: whole({ from: 1 }),
  /** Input pixels around a pixel that its output depends on. */
  receptiveRadius: count,
  multipleOf: whole({ from: 1 }),
  macPerPixel: count,
  parameters: count,
  /** Channels of the hidden layers, for families of networks that are described so. */
  width: count,
  /** Logarithm to base 2 of the number of layers, for such families. */
  logDepth: count,
  /** Nodes that look at the whole picture, for each channel, for such families. */
  globalNodeFactor: number({ from: 0 }),
  ...computingOptions.properties,
  /** What an importer decided where its format leaves a choice, and what it warns of. */
  notes: list(words),
};

/** How pixels go into a network or come out of it. */
const wholeSide = object(side, order);
const card = object({ ...described, ...hashed, input: wholeSide, output: wholeSide }, measured);
const partialCard = object(hashed, {
  ...described,
  ...measured,
  input: options({ ...side, ...order }),
  output: options({ ...side, ...order }),
});

/** What a person, and the engine before it reads the graph, should know about a network: `model.json`. */
export interface ModelCard extends TypeOf<typeof card> {}
export interface CardSide extends TypeOf<typeof wholeSide> {}
/** What a user's `model.json` says: anything may be missing but the hash, which ties it to the file. */
export interface PartialModelCard extends TypeOf<typeof partialCard> {}

/** Reads a built-in network's `model.json`. Throws MODEL_INVALID. */
export function parseCard(json: string, file: string): ModelCard {
  return parse(card, json, file);
}

/** Reads a `model.json` that lies next to a user's file. Throws MODEL_INVALID. */
export function parsePartialCard(json: string, file: string): PartialModelCard {
  return parse(partialCard, json, file);
}

function parse<T>(schema: Schema<T>, json: string, file: string): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new UpresError('MODEL_INVALID', `The model card ${file} is no JSON. Correct it, or remove it.`, {
      file,
      cause: error,
    });
  }
  const mistake = mistakeIn(schema, value, '', 'field');
  if (mistake === undefined) {
    const known = value as T & { readonly sha256: string };
    return { ...known, sha256: known.sha256.toLowerCase() };
  }
  throw new UpresError('MODEL_INVALID', `The model card ${file} is to be corrected, or removed: ${mistake}`, { file });
}
