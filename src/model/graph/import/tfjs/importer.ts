import { makeModel } from '../../onnx/file.js';
import { GraphWriter } from '../../onnx/graph-writer.js';
import { tensorInfo } from '../../onnx/node.js';
import { TensorProto_DataType as DataType } from '../../onnx/onnx_pb.js';
import { parseModel, wrong } from '../../../catalogue/formats/tfjs-json.js';
import type { CardSide } from '../../../catalogue/card.js';
import type { Importer, ModelFiles, Imported } from '../importer.js';
import { LayerReader } from './layer-reader.js';
import { writeLayer } from './layers.js';
import { decideRange } from './range.js';
import { readTopology, unsupported, type Layer } from './topology.js';
import { Weights } from './weights.js';

const OPSET = 13;

/** TensorFlow.js layers models: `model.json` with its shards, as UpscalerJS uses them. */
export const tfjs: Importer = { convert };

function convert({ path, bytes, companions }: ModelFiles): Imported {
  const json = parseModel(path, bytes);
  const topology = readTopology(path, json);
  const weights = new Weights(path, json, companions);
  const writer = new GraphWriter(OPSET, 'tfjs_');
  const tensors = new Map<string, string>();
  const notes: string[] = [];
  let channels: CardSide['channels'] | undefined;
  for (const layer of topology.layers) {
    if (layer.className === 'InputLayer') {
      if (channels !== undefined)
        throw unsupported(path, 'its output depends on several inputs; one image must go in.');
      channels = inputChannels(path, layer);
      tensors.set(layer.name, 'image');
      continue;
    }
    if (layer.inputs.length === 0) throw wrong(path, `nothing goes into layer "${layer.name}" (${layer.className})`);
    // Sorted: what goes in has been written.
    const inputs = layer.inputs.map((name) => tensors.get(name)!);
    const reader = new LayerReader(writer, layer, inputs, weights, path, topology.fromKeras, (note) =>
      notes.push(note),
    );
    tensors.set(layer.name, writeLayer(reader));
  }
  if (channels === undefined) throw wrong(path, 'its output depends on no input');
  writer.op('Identity', [tensors.get(topology.output)!], {}, 'result');
  const model = makeModel({
    opset: OPSET,
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: [tensorInfo('image', DataType.FLOAT, [1, channels, 'height', 'width'])],
    outputs: [tensorInfo('result', DataType.FLOAT, [1, channels, 'out_height', 'out_width'])],
  });
  const range = decideRange(topology.layers);
  const side: Pick<CardSide, 'layout' | 'type' | 'channels'> = { layout: 'NCHW', type: 'float32', channels };
  return {
    model,
    card: {
      source: ['a TensorFlow.js layers model', topology.madeBy].filter((part) => part !== '').join(', '),
      input: { ...side, range: range.input },
      output: { ...side, range: range.output },
      parameters: weights.parameters,
      notes: [range.reason, ...notes],
    },
  };
}

function inputChannels(path: string, { name, config }: Layer): 1 | 3 {
  const shape = config.batch_input_shape ?? config.batch_shape;
  const channels = Array.isArray(shape) && shape.length === 4 ? (shape as unknown[])[3] : undefined;
  if (channels === 1 || channels === 3) return channels;
  throw unsupported(
    path,
    `layer "${name}" (InputLayer) has the shape ${JSON.stringify(shape ?? null).slice(0, 100)}; [null, null, null, 3] (or 1, for luma) is needed.`,
  );
}
