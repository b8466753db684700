import type { Halo } from '../../pixels.js';
/** A mean or a maximum over the whole picture of one tensor's channels. */
export interface Pool {
  readonly kind: 'mean' | 'max';
  /** Rows of the tensor for each row of the picture, as numerator and denominator; and so with columns. */
  readonly rows: readonly [number, number];
  readonly columns: readonly [number, number];
}

/** Pools that one pass over the picture finds: none of them needs another's result. */
export interface PoolingStage {
  readonly pools: readonly Pool[];
  /** Input pixels of context that a tile of this pass needs. */
  readonly halo: Halo;
  /** Multiply-accumulates per input pixel of this pass. */
  readonly macPerPixel: number;
}

/**
 * How a network that looks at the whole picture by pooling alone is computed in tiles, exactly: a pass over all tiles for each stage,
 * then one with what they found.
 */
export interface Pooling {
  readonly stages: readonly PoolingStage[];
  /** Input pixels of context that a tile of the last pass needs. */
  readonly halo: Halo;
}

/** The size of the one picture that a network was exported for, and which its graph can't be freed from. */
export interface FixedSize {
  readonly width: number;
  readonly height: number;
}

/** What the graph of a network says about where its output comes from, and what it costs. */
export interface Geometry {
  /** Output pixels per input pixel along each axis; undefined when the graph can't be followed without running it. */
  scale: number | undefined;
  /**
   * Input pixels of context that a tile needs on each side so that it equals the same part of the whole picture, bit for
   * bit. Undefined when the network looks at the whole picture, or when that can't be ruled out.
   */
  halo: Halo | undefined;
  /** How the whole picture is looked at, where that is by pooling alone. */
  pooling?: Pooling | undefined;
  /** Width and height of the input must be multiples of this, and so must the corners of tiles (strides in the graph). */
  multipleOf: number;
  /** Width and height of the only pictures that it takes. */
  fixedSize?: FixedSize;
  /** Operators that look at the whole picture ("GlobalAveragePool"), or that can't be followed ("Foo (unknown)"). */
  globalOperators: string[];
  /** Multiply-accumulates per input pixel. */
  macPerPixel: number;
  /** Bytes of activations per input pixel that are alive at once, at the peak. */
  activationBytesPerPixel: number;
  /** Number of trained values. */
  parameters: number;
  /** Of the family's own description, where the file has one; see the card's fields of these names. */
  width?: number;
  logDepth?: number;
  globalNodeFactor?: number;
}
