import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UpresError } from '../../errors.js';
import { suggestion } from '../../suggest.js';
import { parseCard, type ModelCard } from './card.js';
import { cheapestChain, type Pass } from './chain.js';
import { interpolationMac, type Interpolation } from './interpolations.js';

/** A label that can be asked for by name. */
export interface BuiltinLabel {
  /** The name to ask for. */
  readonly label: string;
  /** The scales that it has itself, ascending; others are reached by chains of these. */
  readonly scales: readonly number[];
  /** A line for people. */
  readonly display: string;
  /** What it is for, in words for people. */
  readonly for: string;
  /** SPDX identifier. */
  readonly licence: string;
  /** Who trained it. */
  readonly author: string;
  /** Whether weights were learned, or the pixels follow from a formula. */
  readonly kind: 'network' | 'interpolation';
}

/** A built-in network's card and where its file lies. */
export interface BuiltinNetwork {
  readonly card: ModelCard & { readonly scale: number };
  readonly path: string;
}

// dist/model/catalogue/ -> the package's root: the same folder in a checkout and in an installed package.
const MODELS = fileURLToPath(new URL('../../../models/', import.meta.url));

/** Every integer scale up to the command's largest: kernels are computed, so a chain would only be worse. */
const INTERPOLATION_SCALES = [2, 3, 4, 5, 6, 7, 8] as const;

const INTERPOLATIONS: Readonly<Record<Interpolation, string>> = {
  bicubic: 'comparison, and planes that must not be sharpened (Keys, a = -0.5, centred)',
  bilinear: 'comparison (in linear light)',
  nearest: 'pixel art',
};

/** A network's folder, which is called by its label and its scale, as in `natural-x2`. */
interface Place {
  readonly scale: number;
  readonly folder: string;
  /** Its card, once it was read. */
  network?: BuiltinNetwork;
}

let cached: Map<string, Place[]> | undefined;

/** The networks in the package, by label, scales ascending. Their cards are read when they are asked for: most builds use few of them. */
function places(): Map<string, Place[]> {
  if (cached) return cached;
  const found = new Map<string, Place[]>();
  for (const name of readdirSync(MODELS)) {
    // Next to the networks lies the recipe of our own.
    const [, label, scale] = /^(.+)-x(\d+)$/.exec(name) ?? [];
    if (label === undefined) continue;
    found.set(label, [...(found.get(label) ?? []), { scale: Number(scale), folder: join(MODELS, name) }]);
  }
  for (const list of found.values()) list.sort((a, b) => a.scale - b.scale);
  return (cached = found);
}

function networkAt(place: Place, label: string): BuiltinNetwork {
  return (place.network ??= readNetwork(place, label));
}

function readNetwork({ folder, scale }: Place, label: string): BuiltinNetwork {
  const cardFile = join(folder, 'model.json');
  const card = parseCard(readFileSync(cardFile, 'utf8'), cardFile);
  if (card.scale === scale && card.label === label) return { card: { ...card, scale }, path: join(folder, card.file) };
  throw new UpresError(
    'MODEL_INVALID',
    `The model card ${cardFile} is not for "${label}" of scale ${scale}. Install upres again.`,
  );
}

/** Whether it can be asked for by this name. */
export function isBuiltinLabel(label: string): boolean {
  return isInterpolation(label) || places().has(label);
}

/** Whether a label names an interpolation, which needs no weights. */
export function isInterpolation(label: string): label is Interpolation {
  return Object.hasOwn(INTERPOLATIONS, label);
}

/** Whether a built-in network repairs damage, and so departs from its source on purpose. */
export function isRestorer(label: string): boolean {
  return label === 'real' || label.endsWith('-jpeg') || label.startsWith('anime-');
}

let labels: readonly BuiltinLabel[] | undefined;

/** What can be asked for by name: networks first, `natural` at the head. */
export function builtinLabels(): readonly BuiltinLabel[] {
  return (labels ??= [...learnedLabels(), ...computedLabels()]);
}

function learnedLabels(): BuiltinLabel[] {
  const learned = [...places()].map(([label, list]): BuiltinLabel => {
    const { display, for: use, licence, author } = networkAt(list[0]!, label).card;
    return { label, scales: list.map(({ scale }) => scale), display, for: use, licence, author, kind: 'network' };
  });
  return learned.sort(
    (a, b) => Number(b.label === 'natural') - Number(a.label === 'natural') || (a.label < b.label ? -1 : 1),
  );
}

function computedLabels(): BuiltinLabel[] {
  return Object.entries(INTERPOLATIONS).map(([label, use]) => ({
    label,
    scales: INTERPOLATION_SCALES,
    display: label,
    for: use,
    licence: 'MIT',
    author: 'the upres authors',
    kind: 'interpolation',
  }));
}

/** Labels of networks that earlier releases had, and what to take in their place. */
const FORMER: Readonly<Record<string, string>> = {
  'anime-video': '"art" for drawings, "art-jpeg" for drawings stored with loss, "real" for damaged photographs',
};

/** What to say of a label that none of these is: what took its place, or which was probably meant; with a space before it. */
export function insteadOf(label: string, labels: readonly string[]): string {
  return Object.hasOwn(FORMER, label)
    ? ` "${label}" is in upres no more. Take ${FORMER[label]!}.`
    : suggestion(label, labels);
}

/** The built-in label of that name. Throws MODEL_NOT_FOUND with the names that exist. */
export function builtinLabel(label: string): BuiltinLabel {
  const all = builtinLabels();
  const found = all.find((candidate) => candidate.label === label);
  if (found) return found;
  const names = all.map((known) => known.label);
  throw new UpresError(
    'MODEL_NOT_FOUND',
    `There is no model "${label}".${insteadOf(label, names)} Known are ${names.join(', ')}; the path of a network's file works too.`,
  );
}

/** The network of a label for one of its own scales. */
export function builtinNetwork(label: string, scale: number): BuiltinNetwork {
  const found = places()
    .get(label)
    ?.find((place) => place.scale === scale);
  if (!found) throw new UpresError('MODEL_NOT_FOUND', `The model "${label}" has no scale ${scale} of its own.`);
  return networkAt(found, label);
}

/** All networks of a label, scales ascending; none for what is no network's label. */
export function builtinNetworks(label: string): readonly BuiltinNetwork[] {
  return (places().get(label) ?? []).map((place) => networkAt(place, label));
}

/** The largest enlargement that a chain is sought for, along one axis. */
const MAX_FACTOR = 64;

/**
 * The cheapest sequence of a label's own scales whose product is at least `factor` (a number from 1 to 64), by
 * multiply-accumulates: 8 with the scales 2, 3 and 4 is [2, 4], since the second pass has more pixels to compute. [] for 1.
 * Throws BAD_ARGUMENT, MODEL_NOT_FOUND.
 */
export function chainFor(label: string, factor: number): number[] {
  const passes = passesOf(label);
  checkFactor(factor, Number.isFinite(factor));
  // Scales are at least 2, so products grow past any factor.
  return cheapestChain(passes, factor, (product) => product >= factor)!;
}

/**
 * The cheapest sequence of a label's own scales whose product is exactly `scale`, an integer from 1 to 64. [] for 1.
 * Throws BAD_ARGUMENT when there is none, MODEL_NOT_FOUND.
 */
export function exactChain(label: string, scale: number): number[] {
  const passes = passesOf(label);
  checkFactor(scale, Number.isInteger(scale));
  const chain = cheapestChain(passes, scale, (product) => product === scale);
  if (chain) return chain;
  throw new UpresError(
    'BAD_ARGUMENT',
    `The model "${label}" can't enlarge by exactly ${scale}: it multiplies by ${passes.map((pass) => pass.scale).join(', ')} at a time. Take a product of these.`,
  );
}

function checkFactor(factor: number, valid: boolean): void {
  if (valid && factor >= 1 && factor <= MAX_FACTOR) return;
  throw new UpresError('BAD_ARGUMENT', `A scale must be a number from 1 to ${MAX_FACTOR}, not ${factor}.`);
}

function passesOf(label: string): Pass[] {
  return builtinLabel(label).scales.map((scale) => ({
    scale,
    cost: isInterpolation(label)
      ? interpolationMac(label, scale)
      : (builtinNetwork(label, scale).card.macPerPixel ?? 0),
  }));
}
