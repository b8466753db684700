import { node, float, type Attributes } from './node.js';
import type { NodeProto, TensorProto } from './onnx_pb.js';
import { doubleTensor, floatTensor, int64Tensor } from './tensor.js';
import type { Sides } from '../../../pixels.js';

/**
 * Collects new nodes for a graph of a given operator set, under names that begin with a prefix of their own. The forms of
 * Clip, Pad and ReduceMean changed between operator sets: the right one is written for each.
 */
export class GraphWriter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  private count = 0;

  constructor(
    readonly opset: number,
    private readonly prefix: string,
  ) {}

  /** A name that nothing else has. */
  fresh(hint: string): string {
    return `${this.prefix}${hint}_${this.count++}`;
  }

  /** Adds a node with one output and returns the output's name. */
  op(opType: string, inputs: readonly string[], attributes: Attributes = {}, output?: string): string {
    const name = output ?? this.fresh(opType.toLowerCase());
    this.nodes.push(node(opType, inputs, [name], attributes));
    return name;
  }

  /** A constant of float32 values; without dimensions a scalar. */
  floats(values: ArrayLike<number>, dims: readonly number[] = []): string {
    const name = this.fresh('constant');
    this.initializers.push(floatTensor(name, dims, values));
    return name;
  }

  /** A constant of float64 values. */
  doubles(values: ArrayLike<number>, dims: readonly number[] = []): string {
    const name = this.fresh('constant');
    this.initializers.push(doubleTensor(name, dims, values));
    return name;
  }

  /** A constant list of integers. */
  ints(values: readonly number[]): string {
    const name = this.fresh('constant');
    this.initializers.push(int64Tensor(name, [values.length], values));
    return name;
  }

  /** A constant integer. */
  int(value: number): string {
    const name = this.fresh('constant');
    this.initializers.push(int64Tensor(name, [], [value]));
    return name;
  }

  /** Limits values to low..high. */
  clip(input: string, low: number, high: number, output?: string): string {
    if (this.opset < 11) return this.op('Clip', [input], { min: float(low), max: float(high) }, output);
    return this.op('Clip', [input, this.floats([low]), this.floats([high])], {}, output);
  }

  /** Pads an NCHW image by repeating its border pixels. */
  padEdge(input: string, { left, top, right, bottom }: Sides): string {
    const pads = [0, 0, top, left, 0, 0, bottom, right];
    if (this.opset < 11) return this.op('Pad', [input], { mode: 'edge', pads });
    return this.op('Pad', [input, this.ints(pads)], { mode: 'edge' });
  }

  /** Rows of an axis from `starts` up to `ends`, for each of some axes; negative ones count from the end. */
  slice(
    input: string,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    output?: string,
  ): string {
    if (this.opset < 10) return this.op('Slice', [input], { axes, starts, ends }, output);
    return this.op('Slice', [input, this.ints(starts), this.ints(ends), this.ints(axes)], {}, output);
  }

  /** Mean over axis 1, which stays with size 1. */
  channelMean(input: string): string {
    return this.mean(input, [1], true);
  }

  /** Mean over axes. */
  mean(input: string, axes: readonly number[], keep: boolean): string {
    const keepdims = Number(keep);
    if (this.opset < 18) return this.op('ReduceMean', [input], { axes, keepdims });
    return this.op('ReduceMean', [input, this.ints(axes)], { keepdims });
  }
}
