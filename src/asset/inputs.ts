import { ownModelFiles } from './own-model-files.js';
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
