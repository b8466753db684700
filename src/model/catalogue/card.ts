import * as v from 'valibot';
import { UpresError } from '../../errors.js';

const Side = v.object({
  /** Order of the dimensions: batch N, channels C, height H, width W. */
  layout: v.picklist(['NCHW', 'NHWC']),
  type: v.picklist(['float32', 'float16', 'uint8']),
  /** The values that stand for black and white. */
  range: v.tuple([v.literal(0), v.picklist([1, 255], 'must be 1 (values 0..1) or 255 (values 0..255)')]),
  /** 3: RGB. 1: luma (Y of BT.601, full range). */
  channels: v.picklist([1, 3]),
});

const Hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'));
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Scale = v.pipe(v.number(), v.integer(), v.minValue(1));

const Card = v.object({
  label: v.string(),
  /** Output pixels per input pixel; a user's file may leave it to be found in the graph. */
  scale: v.optional(Scale),
  /** The name to show. */
  display: v.string(),
  /** What kind of picture it is for. */
  for: v.string(),
  licence: v.string(),
  author: v.string(),
  /** Where it came from. */
  source: v.string(),
  /** The ONNX file, next to the card; empty for graphs that are built in code. */
  file: v.string(),
  sha256: Hash,
  input: Side,
  output: Side,
  /** Input pixels around a pixel that its output depends on. */
  receptiveRadius: v.optional(Count),
  multipleOf: v.optional(v.pipe(Count, v.minValue(1))),
  macPerPixel: v.optional(Count),
  parameters: v.optional(Count),
  /** Channels of the hidden layers, for families of networks that are described so. */
  width: v.optional(Count),
  /** Logarithm to base 2 of the number of layers, for such families. */
  logDepth: v.optional(Count),
  /** Nodes that look at the whole picture, for each channel, for such families. */
  globalNodeFactor: v.optional(v.pipe(v.number(), v.minValue(0))),
  /** What an importer decided where its format leaves a choice, and what it warns of. */
  notes: v.optional(v.array(v.string())),
});

/** What a person, and the engine before it reads the graph, should know about a network: `model.json`. */
export type ModelCard = v.InferOutput<typeof Card>;
/** How pixels go into a network or come out of it. */
export type CardSide = ModelCard['input'];

/** A card for a file of the user's own: only the hash, which ties it to the file, must be there. */
const PartialCard = v.partial(v.object({ ...Card.entries, input: v.partial(Side), output: v.partial(Side) }), [
  'label',
  'display',
  'for',
  'licence',
  'author',
  'source',
  'file',
  'input',
  'output',
]);
/** What a user's `model.json` says: anything may be missing but the hash. */
export type PartialModelCard = v.InferOutput<typeof PartialCard>;

/** Reads a built-in network's `model.json`. Throws MODEL_INVALID. */
export function parseCard(text: string, file: string): ModelCard {
  return parse(Card, text, file);
}

/** Reads a `model.json` that lies next to a user's file. Throws MODEL_INVALID. */
export function parsePartialCard(text: string, file: string): PartialModelCard {
  return parse(PartialCard, text, file);
}

function parse<Schema extends v.GenericSchema>(schema: Schema, text: string, file: string): v.InferOutput<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UpresError('MODEL_INVALID', `The model card ${file} is no JSON. Correct it, or remove it.`, {
      file,
      cause: error,
    });
  }
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new UpresError(
    'MODEL_INVALID',
    `The model card ${file} has a mistake at "${v.getDotPath(issue) ?? '(top)'}": ${issue.message}. Correct it, or remove the card.`,
    { file },
  );
}
