import { access } from 'node:fs/promises';
import { ownModelFiles } from '#upres/asset/inputs.js';
import type { AssetOptions } from '#upres/asset/options.js';
import type { PreparedAsset } from '#upres/asset/pipeline.js';
import type { LoaderContext } from 'webpack';

/** Tells webpack which files a result depends on besides its source, so that watching and the persistent cache see them. */
export async function dependOn(
  context: LoaderContext<AssetOptions>,
  { variants, missing, ownInPlace }: PreparedAsset,
  options: AssetOptions,
): Promise<void> {
  for (const { source } of variants) context.addDependency(source);
  for (const file of ownInPlace) context.addDependency(file);
  // A picture made by hand wins over a computed one as soon as it is there.
  for (const file of missing) context.addMissingDependency(file);
  const { context: root } = context._compiler!.root;
  const labels = new Set(variants.map(({ model }) => model));
  for (const file of [...labels].flatMap((label) => ownModelFiles(options, root, label))) {
    if (await exists(file)) context.addDependency(file);
    else context.addMissingDependency(file);
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
