import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  NodeProtoSchema,
  TensorShapeProto_DimensionSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type TensorProto_DataType,
  type ValueInfoProto,
} from './onnx_pb.js';

/** Attributes of a node, by name. Numbers become ints: wrap floats in `float()`. */
export type Attributes = Record<string, number | readonly number[] | string | FloatAttribute | undefined>;

interface FloatAttribute {
  readonly float: number;
}

/** Marks an attribute as a float. */
export function float(value: number): FloatAttribute {
  return { float: value };
}

/**
 * A node of the default operator set, without a name (names are optional, but must be unique). Attributes that are undefined
 * are left out.
 */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Attributes = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [attribute(name, value)],
    ),
  });
}

function attribute(name: string, value: NonNullable<Attributes[string]>): AttributeProto {
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: Type.INT, i: BigInt(value) });
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: Type.STRING, s: new TextEncoder().encode(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: Type.INTS, ints: value.map(BigInt) });
}

/** A node that gives a constant. */
export function constant(output: string, value: TensorProto): NodeProto {
  const attribute = create(AttributeProtoSchema, { name: 'value', type: Type.TENSOR, t: value });
  return create(NodeProtoSchema, { opType: 'Constant', output: [output], attribute: [attribute] });
}

/** A node that runs one of two graphs, which have no inputs, and as many outputs as it. */
export function ifNode(condition: string, yes: GraphProto, no: GraphProto, output: readonly string[]): NodeProto {
  const branch = (name: string, g: GraphProto): AttributeProto =>
    create(AttributeProtoSchema, { name, type: Type.GRAPH, g });
  return create(NodeProtoSchema, {
    opType: 'If',
    input: [condition],
    output: [...output],
    attribute: [branch('then_branch', yes), branch('else_branch', no)],
  });
}

/** A graph's input or output: names of dimensions stand for any size. */
export function tensorInfo(
  name: string,
  elemType: TensorProto_DataType,
  dims: readonly (number | string)[],
): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType,
          shape: {
            dim: dims.map((dim) =>
              create(TensorShapeProto_DimensionSchema, {
                value:
                  typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
              }),
            ),
          },
        },
      },
    },
  });
}

/** The same for a tensor of whatever shape. */
export function shapelessInfo(name: string, elemType: TensorProto_DataType): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType } } },
  });
}

function find(of: NodeProto, name: string): AttributeProto | undefined {
  return of.attribute.find((candidate) => candidate.name === name);
}

/** An int attribute, or what the specification says for its absence. */
export function intOf<T>(of: NodeProto, name: string, otherwise: T): number | T {
  const found = find(of, name);
  return found ? Number(found.i) : otherwise;
}

/** A list of ints. */
export function intsOf(of: NodeProto, name: string): number[] | undefined {
  return find(of, name)?.ints.map(Number);
}

/** A float attribute. */
export function floatOf<T>(of: NodeProto, name: string, otherwise: T): number | T {
  return find(of, name)?.f ?? otherwise;
}

/** A list of floats. */
export function floatsOf(of: NodeProto, name: string): number[] | undefined {
  return find(of, name)?.floats;
}

/** A text attribute. */
export function textOf(of: NodeProto, name: string, otherwise: string): string {
  const found = find(of, name);
  return found ? new TextDecoder().decode(found.s) : otherwise;
}

/** A tensor attribute. */
export function tensorOf(of: NodeProto, name: string): TensorProto | undefined {
  return find(of, name)?.t;
}

/** Whether nodes have graphs inside, such as branches and loops: these may read any tensor of the one around them. */
export function hasInnerGraphs(graph: GraphProto): boolean {
  return graph.node.some(({ attribute }) => attribute.some(({ g, graphs }) => g ?? graphs.length > 0));
}
