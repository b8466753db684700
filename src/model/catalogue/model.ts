import { createHash } from 'node:crypto';
import { basename, dirname, extname, resolve } from 'node:path';
import { statedOnly, type Colours, type StatedColours } from './colours.js';
import { computingId, computingOnly } from './computing.js';
import type { CardSide, ModelCard, PartialModelCard } from './card.js';
import { interpolationMac, INTERPOLATION_RADIUS, type Interpolation } from './interpolations.js';
import type { BuiltModel, ModelPart } from './model-parts.js';
import { builtinLabel, builtinNetwork, exactChain, isInterpolation, type BuiltinNetwork } from './registry.js';
import { OWN_REWRITE_VERSION, REWRITE_VERSION } from './rewrite-version.js';
import { defined } from '../../schema.js';
import { readModelFile, readUserCard } from './user-file.js';

/** A network before it is loaded: what it is, and how to make the graph that computes it. */
export interface Model {
  readonly card: ModelCard;
  /**
   * Identity of what will be computed: a hash (64 hexadecimal digits) of the file or files, the chain and the version of the
   * rewrites. Known without reading the graph.
   */
  readonly key: string;
  /**
   * Reads, checks and rewrites the graph.
   * @param colours of a user's network, where a trial has found them
   * @throws MODEL_INVALID, MODEL_UNSUPPORTED, MODEL_NOT_FOUND, INPUT_UNREADABLE
   */
  build(colours?: Colours): Promise<BuiltModel>;
}

const PLANES: CardSide = { layout: 'NCHW', type: 'float32', range: [0, 1], channels: 3 };

/**
 * A built-in model by its label and scale (an integer from 1 to 64, default 2). Where the label lacks the scale, it is
 * reached by the cheapest chain of those that it has. Throws MODEL_NOT_FOUND, BAD_ARGUMENT.
 */
export async function modelFromLabel(label: string, scale = 2): Promise<Model> {
  const chain = exactChain(label, scale);
  // The scale 1 is an empty chain: every label then gives back its input.
  if (isInterpolation(label) || chain.length === 0) {
    const parts =
      chain.length === 0 ? [identityPart()] : chain.map((step) => interpolationPart(label as Interpolation, step));
    return Promise.resolve(assemble(computedCard(label, scale, chain, parts), parts));
  }
  const networks = chain.map((step) => builtinNetwork(label, step));
  return assemble(chainCard(label, scale, networks), networks.map(builtinPart));
}

/**
 * A user's file: ONNX, whose weights may lie in `<file>.data` or `<file>_data` next to it, or a foreign format that there is an
 * importer for. A card (`model.json` or `<name>.card.json` in the same folder) is honoured when its sha256 is the file's. The
 * files are only hashed here, and read again by `build`. `colours` is what the user says of them where the network is named. Throws MODEL_NOT_FOUND, INPUT_UNREADABLE, MODEL_INVALID.
 */
export async function modelFromFile(path: string, colours: StatedColours = {}): Promise<Model> {
  const file = await readModelFile(path);
  const card = await readUserCard(path, file.sha256);
  const part: ModelPart = { kind: 'file', key: file.key, path, fileKey: file.key, card, stated: statedOnly(colours) };
  return userModel(part, card, fileLabel(path), file.sha256, basename(path));
}

/** The file's name; TensorFlow.js calls every network "model.json", so there it is the folder's. */
function fileLabel(path: string): string {
  const name = basename(path, extname(path));
  return basename(path) === 'model.json' ? basename(dirname(resolve(path))) || name : name;
}

/**
 * A user's ONNX network in memory, which must hold all its weights. `name` is used for messages and as the label.
 * The bytes must not change until `build` has been called for the last time.
 */
export async function modelFromBytes(bytes: Uint8Array, name = 'network', colours: StatedColours = {}): Promise<Model> {
  const sha256 = hash(bytes);
  const part: ModelPart = { kind: 'bytes', key: sha256, bytes, name, stated: statedOnly(colours) };
  return Promise.resolve(userModel(part, {}, name, sha256, ''));
}

function userModel(
  part: ModelPart & { readonly stated: StatedColours },
  card: Partial<PartialModelCard>,
  label: string,
  sha256: string,
  file: string,
): Model {
  const full: ModelCard = {
    label: card.label ?? label,
    ...defined({ scale: card.scale }),
    ...computingOnly(card),
    display: card.display ?? card.label ?? label,
    for: card.for ?? '',
    licence: card.licence ?? 'unknown',
    author: card.author ?? 'unknown',
    source: card.source ?? '',
    file,
    sha256,
    input: completeSide(card.input),
    output: completeSide(card.output),
  };
  // How the card says that pixels go in and out decides what is computed.
  const key = JSON.stringify([
    ...[OWN_REWRITE_VERSION, part.key, card.input ?? null, card.output ?? null, card.scale ?? null, part.stated],
    ...(computingId(card) === '' ? [] : [computingId(card)]),
  ]);
  return assemble(full, [{ ...part, key }]);
}

/** What is taken for granted until the graph has been read. */
function completeSide(side: PartialModelCard['input'] = {}): CardSide {
  return { ...PLANES, ...side };
}

function assemble(card: ModelCard, parts: readonly ModelPart[]): Model {
  return {
    card,
    key: hash(JSON.stringify([REWRITE_VERSION, parts.map((part) => part.key)])),
    build: async (colours) => {
      const { buildModel } = await import('../graph/build.js');
      return buildModel(parts, colours);
    },
  };
}

function builtinPart(network: BuiltinNetwork): ModelPart {
  const { sha256, input, output } = network.card;
  return { kind: 'builtin', key: JSON.stringify([sha256, input, output]), network };
}

function interpolationPart(interpolation: Interpolation, scale: number): ModelPart {
  return { kind: 'interpolation', key: `${interpolation} ${scale}`, interpolation, scale };
}

function identityPart(): ModelPart {
  return interpolationPart('nearest', 1);
}

function chainCard(label: string, scale: number, networks: readonly BuiltinNetwork[]): ModelCard {
  const [first, ...others] = networks.map(({ card }) => card);
  if (others.length === 0) return first!;
  const { display, for: use } = builtinLabel(label);
  // In pixels of the first pass's input, a later pass sees less far.
  let pixels = 1;
  let radius = 0;
  let mac = 0;
  for (const { card } of networks) {
    radius += (card.receptiveRadius ?? 0) / pixels;
    mac += (card.macPerPixel ?? 0) * pixels ** 2;
    pixels *= card.scale;
  }
  return {
    ...first!,
    scale,
    display: `${display} (${networks.map(({ card }) => `x${card.scale}`).join(' ')})`,
    for: use,
    file: '',
    sha256: hash(networks.map(({ card }) => card.sha256).join(' ')),
    receptiveRadius: Math.ceil(radius),
    macPerPixel: mac,
  };
}

function computedCard(label: string, scale: number, chain: readonly number[], parts: readonly ModelPart[]): ModelCard {
  const { display, for: use, licence, author } = builtinLabel(label);
  return {
    label,
    scale,
    display,
    for: use,
    licence,
    author,
    source: 'computed',
    file: '',
    sha256: hash(parts.map((part) => part.key).join(' ')),
    input: PLANES,
    output: PLANES,
    multipleOf: 1,
    ...(isInterpolation(label) &&
      chain.length === 1 && {
        receptiveRadius: INTERPOLATION_RADIUS[label],
        macPerPixel: interpolationMac(label, scale),
      }),
  };
}

function hash(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
