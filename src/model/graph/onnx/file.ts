import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { UpresError } from '../../../errors.js';
import {
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './onnx_pb.js';
import { mistakenKind } from './mistaken.js';

/** A model that has what every ONNX file must have. */
export type OnnxModel = ModelProto & { graph: GraphProto };

/**
 * Reads an ONNX file. What upres does not know in it survives until `writeOnnx`.
 * Throws MODEL_INVALID for bytes that are no ONNX.
 */
export function readOnnx(bytes: Uint8Array, file?: string): OnnxModel {
  const invalid = (why: string, cause?: unknown): UpresError =>
    new UpresError(
      'MODEL_INVALID',
      `${file ?? 'The network'} can't be read as ONNX: ${why}. Give a file that "torch.onnx.export", "tf2onnx" or a like tool wrote.`,
      { ...(file !== undefined && { file }), cause },
    );
  if (bytes.length === 0) throw invalid('it is empty');
  const other = mistakenKind(bytes);
  if (other !== undefined) {
    throw new UpresError('MODEL_INVALID', `${file ?? 'The network'} can't be read as ONNX: ${other}.`, {
      ...(file !== undefined && { file }),
    });
  }
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw invalid('its bytes are not a protocol buffer of that kind, or it was cut short', error);
  }
  if (!hasGraph(model)) throw invalid('it holds no graph');
  if (model.irVersion === 0n || model.opsetImport.length === 0) throw invalid('it names no operator set');
  if (model.graph.node.length === 0) throw invalid('its graph has no nodes');
  return model;
}

function hasGraph(model: ModelProto): model is OnnxModel {
  return model.graph !== undefined;
}

/** The file's bytes. */
export function writeOnnx(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}

/** Version of the default operator set; 0 when the model does not import it. */
export function opsetOf(model: ModelProto): number {
  const main = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  return Number(main?.version ?? 0);
}

/** The parts of a new graph. */
export interface GraphParts {
  readonly opset: number;
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly inputs: ValueInfoProto[];
  readonly outputs: ValueInfoProto[];
}

/** A model built in code. */
export function makeModel({ opset, nodes, initializers, inputs, outputs }: GraphParts): OnnxModel {
  const model = create(ModelProtoSchema, {
    // The oldest format version in which initializers need not be inputs too; ONNX ties newer operator sets to newer
    // versions, so this follows its table from there on (https://github.com/onnx/onnx/blob/main/docs/Versioning.md).
    irVersion: BigInt(opset <= 9 ? 4 : opset <= 11 ? 6 : opset <= 14 ? 7 : opset <= 18 ? 8 : opset <= 20 ? 9 : 10),
    producerName: 'upres',
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })],
    graph: { name: 'upres', node: nodes, initializer: initializers, input: inputs, output: outputs },
  });
  return model as OnnxModel;
}
