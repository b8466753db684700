import type { Halo } from '../../pixels.js';
/** What the graph of a network says about where its output comes from, and what it costs. */
export interface Geometry {
  /** Output pixels per input pixel along each axis; undefined when the graph can't be followed without running it. */
  scale: number | undefined;
  /**
   * Input pixels of context that a tile needs on each side so that it equals the same part of the whole picture, bit for
   * bit. Undefined when the network looks at the whole picture, or when that can't be ruled out.
   */
  halo: Halo | undefined;
  /** Width and height of the input must be multiples of this, and so must the corners of tiles (strides in the graph). */
  multipleOf: number;
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
