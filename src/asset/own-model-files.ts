import { resolve } from 'node:path';
import { modelFiles } from '../model/catalogue/model-files.js';
import { fileOf } from '../model/catalogue/colours.js';
import type { AssetOptions } from './options.js';

/**
 * The files that decide what a network of the user's own computes, absolute: its file, the files that may lie next to it, and its
 * card. All but the first may be absent.
 * @returns nothing for built-in labels, which change with the package only
 */
export function ownModelFiles({ models = {} }: AssetOptions, root: string, label: string): string[] {
  const own = Object.hasOwn(models, label) ? models[label] : undefined;
  return own === undefined ? [] : modelFiles(resolve(root, fileOf(own)));
}
