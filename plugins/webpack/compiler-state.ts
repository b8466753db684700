import type { AssetPipeline } from '#upres/asset/pipeline.js';
import type { Compiler } from 'webpack';

/*
 * What the plugin and its loaders know of compilers. It is apart from all that uses it, since there must be one of it: the plugin comes joined
 * with what it needs in one file, and loaders come by themselves.
 */

/** A pipeline, and who uses it. */
export interface Shared {
  readonly pipeline: AssetPipeline;
  users: number;
  /** The assets that each compiler's latest build still had. */
  readonly assets: Map<Compiler, ReadonlySet<string>>;
}

/** The pipelines that each compiler uses, by their options; its children (pages, extracted CSS, workers) use what their root uses. */
export const usedPipelines = new WeakMap<Compiler, Map<string, Shared>>();

/** Compilers that have the plugin. */
export const applied = new WeakSet<Compiler>();
