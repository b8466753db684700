// What exporters make of a network that they were not told to leave height and width open of: the sizes of the one picture that it
// was traced with stand in its graph as numbers.
import { clone } from '@bufbuild/protobuf';
import { directionOf, isSpatial, shapeOf, sizeOfAxis, type Along, type Axis, type Value } from '../analysis/value.js';
import { rational, type Rational } from '../analysis/rational.js';
import { GraphWriter } from '../onnx/graph-writer.js';
import { intsOf } from '../onnx/node.js';
import { GraphProtoSchema, type GraphProto, type NodeProto } from '../onnx/onnx_pb.js';
import { analyse, type InputShape, type PictureSize } from '../receptive-field.js';

/** More than any axis has: the end of a slice that takes all. */
const TO_THE_END = 2 ** 31 - 1;

/**
 * A copy of a graph in which sizes that are those of the picture are computed from the picture: the targets of Reshape (by which
 * pixel shuffles, channel shuffles and windows are written) and Expand, the sizes of Resize, the ends of Slice, and windows as large
 * as the picture. For pictures of the size that it was made for it computes the same.
 * @param size of the pictures that the graph was made for
 * @returns undefined where nothing in it is such a size
 */
export function freeSize(
  graph: GraphProto,
  opset: number,
  input: InputShape,
  size: PictureSize,
): GraphProto | undefined {
  const freed = clone(GraphProtoSchema, graph);
  let changes = poolWhole(freed, analyse(graph, opset, input, size).values);
  const { values } = analyse(freed, opset, input, size);
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const picture = graph.input.find(({ name }) => !constants.has(name))?.name ?? '';
  const writer = new GraphWriter(opset, 'freed_');
  const sizes = new SizeWriter(writer, picture, input.layout, size);
  freed.node = freed.node.flatMap((node) => {
    const [from, to] = [values.get(node.input[0] ?? ''), values.get(node.output[0] ?? '')];
    if (from && to && free(node, { from, to, values }, sizes)) changes++;
    return [...writer.nodes.splice(0), node];
  });
  freed.initializer.push(...writer.initializers);
  return changes > 0 ? freed : undefined;
}

/** Writes pools over windows that are as large as the picture as what they stand for. */
function poolWhole(graph: GraphProto, values: ReadonlyMap<string, Value>): number {
  let changes = 0;
  for (const node of graph.node) {
    if (node.opType !== 'AveragePool' && node.opType !== 'MaxPool') continue;
    const [from, to] = [values.get(node.input[0] ?? ''), values.get(node.output[0] ?? '')];
    if (
      !from ||
      !to ||
      node.output.length !== 1 ||
      shapeOf(to)
        .slice(2)
        .some((size) => size !== 1)
    )
      continue;
    if (intsOf(node, 'kernel_shape')?.join() !== shapeOf(from).slice(2).join()) continue;
    node.opType = `Global${node.opType}`;
    node.attribute = [];
    changes++;
  }
  return changes;
}

interface Known {
  readonly from: Value;
  readonly to: Value;
  readonly values: ReadonlyMap<string, Value>;
}

/** @returns whether it was changed */
function free(node: NodeProto, known: Known, sizes: SizeWriter): boolean {
  switch (node.opType) {
    case 'Expand':
      // Rows and columns stay as many as they are.
      if (!known.to.axes.some(isSpatial)) return false;
      node.input[1] = sizes.writer.ints(known.to.axes.map((axis) => (isSpatial(axis) ? 1 : sizeOfAxis(axis))));
      return true;
    case 'Reshape':
      if (!known.to.axes.some(isSpatial)) return false;
      node.input[1] = sizes.shapeOf(known.to.axes, node.input[0]!, known.from);
      return true;
    case 'Resize':
    case 'Upsample':
      return freeResize(node, known, sizes);
    case 'Slice':
      return freeSlice(node, known, sizes);
    default:
      return false;
  }
}

function freeResize(node: NodeProto, { from, to }: Known, sizes: SizeWriter): boolean {
  // Until operator set 11 there are factors alone, second.
  const old = sizes.writer.opset < 11;
  if (!node.input[old ? 1 : 3] || !to.axes.some(isSpatial)) return false;
  const [own, wanted] = [shapeOf(from), shapeOf(to)];
  const axes = intsOf(node, 'axes') ?? own.map((_, axis) => axis);
  const factors = axes.map((axis) => rational(wanted.at(axis)!, own.at(axis)));
  const values = factors.map(({ num, den }) => num / den);
  if (old || factors.every(isSimple)) {
    const at = old ? 1 : 2;
    node.input[at] = sizes.writer.floats(values, [axes.length]);
    node.input.length = at + 1;
  } else {
    node.input[3] = sizes.shapeOf(
      axes.map((axis) => to.axes.at(axis)!),
      node.input[0]!,
      undefined,
    );
  }
  return true;
}

function freeSlice(node: NodeProto, { from, values }: Known, sizes: SizeWriter): boolean {
  const numbers = (at: number): readonly number[] | undefined => values.get(node.input[at] ?? '')?.values;
  const [starts, ends] = [numbers(1), numbers(2)];
  if (!starts || !ends) return false;
  const axes = numbers(3) ?? starts.map((_, axis) => axis);
  // What is nearer to the end was counted from there.
  const anchored = (place: number, at: number): number => {
    const axis = from.axes.at(axes[at]!) ?? [];
    const size = sizeOfAxis(axis);
    if (!directionOf(axis) || place < 0 || 2 * place <= size) return place;
    return place >= size ? TO_THE_END : place - size;
  };
  const [newStarts, newEnds] = [starts.map(anchored), ends.map(anchored)];
  if ([...newStarts, ...newEnds].join() === [...starts, ...ends].join()) return false;
  node.input[1] = sizes.writer.ints(newStarts);
  node.input[2] = sizes.writer.ints(newEnds);
  return true;
}

const isSimple = ({ num, den }: Rational): boolean => num === 1 || den === 1;

/** Writes the nodes that compute sizes. */
class SizeWriter {
  constructor(
    readonly writer: GraphWriter,
    private readonly picture: string,
    private readonly layout: InputShape['layout'],
    private readonly size: PictureSize,
  ) {}

  /**
   * A tensor's shape, computed.
   * @param tensor what rows and columns are counted from; from the picture where it does not have them each on an axis of their own
   */
  shapeOf(axes: readonly Axis[], tensor: string, from: Value | undefined): string {
    const { writer } = this;
    const spatial = axes.filter(isSpatial).length;
    if (spatial === 1) return writer.ints(axes.map((axis) => (isSpatial(axis) ? -1 : sizeOfAxis(axis))));
    return writer.op(
      'Concat',
      axes.map((axis) => (isSpatial(axis) ? this.lengthOf(axis, tensor, from) : writer.ints([sizeOfAxis(axis)]))),
      { axis: 0 },
    );
  }

  private lengthOf(axis: Axis, tensor: string, from: Value | undefined): string {
    const { writer } = this;
    let result: string | undefined;
    let num = 1;
    let den = 1;
    for (const { size, along } of axis) {
      if (!along) {
        num *= size;
        continue;
      }
      const counted = this.counted(along, tensor, from);
      const factor = rational(size, counted.size);
      num *= factor.num;
      den *= factor.den;
      result = result === undefined ? counted.rows : writer.op('Mul', [result, counted.rows]);
    }
    if (num > 1) result = writer.op('Mul', [result!, writer.ints([num])]);
    return den > 1 ? writer.op('Div', [result!, writer.ints([den])]) : result!;
  }

  /** Rows or columns of a tensor, as a list of one integer, and how many they are now. */
  private counted(along: Along, tensor: string, from: Value | undefined): { rows: string; size: number } {
    const { writer } = this;
    const own = from?.axes.findIndex((axis) => directionOf(axis) === along) ?? -1;
    const [of, axis, size] =
      own >= 0
        ? [tensor, own, sizeOfAxis(from!.axes[own]!)]
        : [this.picture, (along === 'h' ? 1 : 2) + Number(this.layout === 'NCHW'), this.size[along]];
    return { rows: writer.op('Gather', [writer.op('Shape', [of]), writer.ints([axis])], { axis: 0 }), size };
  }
}
