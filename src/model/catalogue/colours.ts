import { resolve } from 'node:path';
import { computingId, computingOnly, computingOptions, type ComputingOptions } from './computing.js';
import { choice, defined, either, live, object, options, text, type TypeOf } from '../../schema.js';

/** What a network's channels are: R G B, B G R, or Y Cb Cr of BT.601 in full range. */
export const CHANNEL_ORDERS = ['RGB', 'BGR', 'YCbCr'] as const;
export type ChannelOrder = (typeof CHANNEL_ORDERS)[number];

/** The values that stand for black and white. */
export type ValueRange = readonly [black: number, white: number];

/** The ranges that networks have, the likeliest first. */
export const RANGES: readonly ValueRange[] = [
  [0, 1],
  [0, 255],
  [-1, 1],
];
const knownRanges = RANGES.map((range) => JSON.stringify(range));

export const valueRange = live<ValueRange>('[0, 1], [0, 255] or [-1, 1]', (value) =>
  knownRanges.includes(JSON.stringify(value)),
);
export const channelOrder = choice(CHANNEL_ORDERS);

/** What the numbers of one side of a network mean. */
export interface SideColours {
  readonly range: ValueRange;
  readonly order: ChannelOrder;
}

/** What the numbers mean that a network takes and gives. */
export interface Colours {
  readonly input: SideColours;
  readonly output: SideColours;
}

/** What a user says of a network's colours where it is named; for both of its sides. */
export const statedColours = options({
  /** The values that stand for black and white, as in `[0, 255]`. */
  range: valueRange,
  /** What its channels are. */
  order: channelOrder,
});
/** What is said of a network's colours where it is named. */
export interface StatedColours extends TypeOf<typeof statedColours> {}

/** The values of black and white in words. */
const rangeText = ([black, white]: ValueRange): string => `${black} to ${white}`;

/** Colours in words: "RGB from 0 to 1 in, BGR from 0 to 255 out". */
export function coloursText({ input, output }: Colours): string {
  const side = ({ order, range }: SideColours): string => `${order} from ${rangeText(range)}`;
  return `${side(input)} in, ${side(output)} out`;
}

/** What was stated, without what was not. */
export const statedOnly = ({ range, order }: StatedColours): StatedColours => defined({ range, order });

const file = text("the path of a network's file");
/** A network's file, what its numbers mean, and how it may be computed. */
export interface DescribedModel extends StatedColours, ComputingOptions {
  /** The path of its file. */
  readonly file: string;
}
const described = object(
  {
    /** The path of its file. */
    file,
  },
  { ...statedColours.properties, ...computingOptions.properties },
);

export const ownModel = either('a path, or { file, range, order, acceptApproximation, memoryBudget }', file, described);
/** A network of the user's own: the path of its file, or that with what its numbers mean. */
export type OwnModel = string | DescribedModel;

/** What enlarges: a label, a path, or a network of the user's own with what its numbers mean. */
export const modelChoice = either(
  'a label, a path, or { file, range, order, acceptApproximation, memoryBudget }',
  text('a label or a path'),
  described,
);
export type ModelChoice = TypeOf<typeof modelChoice>;

/** Its path or label. */
export const fileOf = (model: ModelChoice): string => (typeof model === 'string' ? model : model.file);

/** What was said of its numbers. */
export const coloursOf = (model: ModelChoice): StatedColours => (typeof model === 'string' ? {} : model);

/** How it may be computed. */
export const computingOf = (model: ModelChoice): ComputingOptions =>
  typeof model === 'string' ? {} : computingOnly(model);

/** The same where what it does not say of its computing is said for all. */
export function computedBy(model: OwnModel, forAll: ComputingOptions): OwnModel {
  const computing = computingOnly(forAll);
  if (computingId(computing) === '') return model;
  const own = typeof model === 'string' ? { file: model } : model;
  return { ...own, ...computing, ...computingOnly(own) };
}

/** A text that is different for different ones. */
export function modelId(model: ModelChoice): string {
  if (typeof model === 'string') return model;
  const { file, range, order } = model;
  const computing = computingId(model);
  if (computing !== '') return JSON.stringify([file, range ?? null, order ?? null, computing]);
  return range === undefined && order === undefined ? file : JSON.stringify([file, range, order]);
}

/** The same with an absolute path. */
export const resolved = (model: OwnModel, root: string): OwnModel =>
  typeof model === 'string' ? resolve(root, model) : { ...model, file: resolve(root, model.file) };
