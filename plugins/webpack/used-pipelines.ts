import type { AssetPipeline } from '#upres/asset/pipeline.js';
import type { Compiler } from 'webpack';

/** A pipeline, and who uses it. */
export interface Shared {
  readonly pipeline: AssetPipeline;
  users: number;
  /** The assets that each compiler's latest build still had. */
  readonly assets: Map<Compiler, ReadonlySet<string>>;
}

/**
 * The pipelines that each compiler uses, by their options; its children (pages, extracted CSS, workers) use what their root uses.
 * Apart from what makes them, since a build without our pictures need not load all that.
 */
export const usedPipelines = new WeakMap<Compiler, Map<string, Shared>>();
