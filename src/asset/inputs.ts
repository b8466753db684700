import { resolve } from 'node:path';
import { coloursOf, fileOf } from '../model/catalogue/colours.js';
import { modelFiles } from '../model/catalogue/model-files.js';
import type { AssetOptions } from './options.js';
import type { PreparedAsset } from './pipeline.js';

/**
 * The files that decide what an asset becomes, absolute, for tools that watch: its source, pictures made by hand, networks of the
 * user's own. Not all of them exist: a picture made by hand wins as soon as it is there.
 */
export function inputsOf(plan: PreparedAsset, options: AssetOptions, root: string): string[] {
  const sources = plan.variants.map(({ source }) => source);
  const networks = new Set(plan.variants.map(({ model }) => model));
  const own = [...networks].flatMap((label) => ownModelFiles(options, root, label));
  return [...new Set([plan.file, ...sources, ...plan.missing, ...plan.ownInPlace, ...own])];
}

/**
 * The files that decide what a network of the user's own computes, absolute: its file, the files that may lie next to it, and its
 * card. All but the first may be absent.
 * @returns nothing for built-in labels, which change with the package only
 */
export function ownModelFiles({ models = {} }: AssetOptions, root: string, label: string): string[] {
  const path = Object.hasOwn(models, label) ? models[label] : undefined;
  if (path === undefined) return [];
  return modelFiles(resolve(root, fileOf(path)));
}

/** What is said of the numbers of a network of the user's own, as a text that differs where that does; empty for none. */
export function ownModelColours({ models = {} }: AssetOptions, label: string): string {
  const model = Object.hasOwn(models, label) ? models[label] : undefined;
  const { range, order } = model === undefined ? {} : coloursOf(model);
  return range === undefined && order === undefined ? '' : JSON.stringify([label, range, order]);
}
