import type { AssetOptions } from '#upres/asset/options.js';

/** Options as the loader gets them: Turbopack hands on what is JSON. */
export interface LoaderOptions {
  readonly options: AssetOptions;
  readonly root: string;
  /** Changes with whatever changes results. */
  readonly identity: string;
}

export interface Question {
  readonly options: AssetOptions;
  readonly root: string;
  /** Absolute. */
  readonly file: string;
  readonly query: string;
}

export interface Answer {
  /** Files that it depends on. */
  readonly inputs: readonly string[];
  /** An image, the code of a module, or what went wrong. */
  readonly body: Buffer;
  readonly failed: boolean;
}
