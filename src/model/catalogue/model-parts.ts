import type { PartialModelCard } from './card.js';
import type { SideColours, StatedColours } from './colours.js';
import type { Geometry } from './geometry.js';
import type { Interpolation } from './interpolations.js';
import type { BuiltinNetwork } from './registry.js';

/** One pass of a model: its identity, and where its graph comes from. */
export type ModelPart =
  | { readonly kind: 'builtin'; readonly key: string; readonly network: BuiltinNetwork }
  | {
      readonly kind: 'file';
      readonly key: string;
      readonly path: string;
      /** What the file's content, and that of the files next to it, must still be. */
      readonly fileKey: string;
      readonly card: Partial<PartialModelCard>;
      readonly stated: StatedColours;
    }
  | {
      readonly kind: 'bytes';
      readonly key: string;
      readonly bytes: Uint8Array;
      readonly name: string;
      readonly stated: StatedColours;
    }
  | {
      readonly kind: 'interpolation';
      readonly key: string;
      readonly interpolation: Interpolation;
      readonly scale: number;
    };

/** How one side of a user's network has its pictures. */
export interface BuiltSide extends SideColours {
  readonly channels: 1 | 3;
  /** Whether its numbers are whole: then its range is known. */
  readonly whole: boolean;
}

/** What the colours of a user's network were taken for. */
export interface NetworkColours {
  readonly input: BuiltSide;
  readonly output: BuiltSide;
  /** Whether its user said so. */
  readonly stated: boolean;
}

export interface TrimmedCore {
  readonly core: Uint8Array;
  /** The share of the work on a halo that is left out. */
  readonly saved: number;
}

/** Graphs ready to run, as ONNX bytes with all their weights inside. */
export interface BuiltModel {
  /** float32 NCHW `input` [1,3,h,w] in 0..1 -> `output` [1,3,h*scale,w*scale], not limited to 0..1 at its end. */
  readonly core: Uint8Array;
  /** The same interface without the rewrites for speed, to prove them equal. */
  readonly reference: Uint8Array;
  /**
   * Where `geometry.pooling` says so: the core cut at its pools, a graph for each stage and one for the picture, which take the
   * results of earlier stages as inputs `pool0`, `pool1` and so on.
   */
  readonly passes?: readonly Uint8Array[];
  /** The core for tiles that bring their halo along: its output lacks it. Undefined where nothing is saved by that. */
  readonly trimmed?: TrimmedCore;
  readonly geometry: Geometry;
  /** Of a user's network only: others are known. */
  readonly colours?: NetworkColours;
}
