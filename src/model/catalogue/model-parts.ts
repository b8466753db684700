import type { PartialModelCard } from './card.js';
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
    }
  | { readonly kind: 'bytes'; readonly key: string; readonly bytes: Uint8Array; readonly name: string }
  | {
      readonly kind: 'interpolation';
      readonly key: string;
      readonly interpolation: Interpolation;
      readonly scale: number;
    };

/** Graphs ready to run, as ONNX bytes with all their weights inside. */
export interface BuiltModel {
  /** float32 NCHW `input` [1,3,h,w] in 0..1 -> `output` [1,3,h*scale,w*scale], not limited to 0..1 at its end. */
  readonly core: Uint8Array;
  /** The same interface without the rewrites for speed, to prove them equal. */
  readonly reference: Uint8Array;
  readonly geometry: Geometry;
}
