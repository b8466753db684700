import { resolve } from 'node:path';
import { coloursOf, computingOf, fileOf } from '../model/catalogue/colours.js';
import { computingId } from '../model/catalogue/computing.js';
import { modelFiles } from '../model/catalogue/model-files.js';
import { ownModelOf, type AssetOptions } from './options.js';
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

/** What is said of a network of the user's own besides its file, as a text that differs where that does; empty for none. */
export function ownModelColours(options: AssetOptions, label: string): string {
  const model = ownModelOf(options, label);
  if (model === undefined) return '';
  const { range, order } = coloursOf(model);
  const computing = computingId(computingOf(model));
  if (range === undefined && order === undefined && computing === '') return '';
  return JSON.stringify([label, range, order, ...(computing === '' ? [] : [computing])]);
}
