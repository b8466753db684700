import type { NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import type { Along, Value } from './value.js';

/** First and last row or column of a range, both included; may lie outside of the picture. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** What an operator needs to know besides its inputs. */
export interface OperatorContext {
  readonly opset: number;
  /** A weight tensor by name, if it is a constant of the file. */
  constant(name: string): TensorProto | undefined;
  /** Rows or columns of the input picture that this walk supposes. */
  readonly pictureSize: Readonly<Record<Along, number>>;
}

/** What one node does. */
export interface Followed {
  readonly outputs: readonly Value[];
  /**
   * Which rows (or columns) of the inputs a range of rows of the outputs is computed from; left out when the same. `core` is
   * the number of rows of the input picture that the range belongs to, starting at 0.
   */
  readonly demand?: (span: Span, along: Along, core: number) => Span;
  /** It looks at the whole picture. */
  readonly global?: boolean;
  /** In no other way than by reducing all rows and columns of its first input to one value of each channel. */
  readonly pool?: 'mean' | 'max';
  /** Multiply-accumulates per input pixel. */
  readonly mac?: number;
  /** The outputs take no memory of their own. */
  readonly view?: boolean;
}

/** A node that was followed. */
export interface Step {
  readonly node: NodeProto;
  readonly followed: Followed;
}

/**
 * Follows one node. Inputs that the node leaves out are undefined. Throws CannotFollow or Contradiction.
 */
export type Operator = (node: NodeProto, inputs: readonly (Value | undefined)[], context: OperatorContext) => Followed;
export type Operators = Readonly<Record<string, Operator>>;

/** The smallest range that contains both. */
export function union(a: Span, b: Span): Span {
  return { first: Math.min(a.first, b.first), last: Math.max(a.last, b.last) };
}
