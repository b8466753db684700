import { UpresError } from '../../../../errors.js';
import { isObject, objectsIn, wrong, type JsonObject } from '../../../catalogue/formats/tfjs-json.js';

/** A layer of a Keras model. */
export interface Layer {
  readonly name: string;
  readonly className: string;
  readonly config: JsonObject;
  /** Names of the layers whose outputs go in. */
  readonly inputs: readonly string[];
}

/** A model of one input and one output, layers in an order in which they can be computed. */
export interface Topology {
  readonly layers: readonly Layer[];
  readonly output: string;
  /** As Keras and the converter call themselves; for people. */
  readonly madeBy: string;
  /** Written by the Keras of Python, not by TensorFlow.js itself. */
  readonly fromKeras: boolean;
}

/** What upres has no form for. */
export function unsupported(path: string, what: string): UpresError {
  return new UpresError('MODEL_UNSUPPORTED', `${path} can't be imported: ${what}`, { file: path });
}

/** Reads Functional and Sequential models as Keras 2 and 3 and TensorFlow.js itself write them. */
export function readTopology(path: string, json: JsonObject): Topology {
  if (json.format === 'graph-model') {
    throw unsupported(
      path,
      'it is a graph model. Convert the layers model that it was made from, or the SavedModel with tf2onnx.',
    );
  }
  const topology = json.modelTopology;
  if (!isObject(topology)) throw wrong(path, '"modelTopology" is missing');
  // Files of Python hold the model under a name; files of TensorFlow.js are the model.
  const model = isObject(topology.model_config) ? topology.model_config : topology;
  const kind = text(model.class_name);
  const config = model.config;
  const madeBy = [json.generatedBy, json.convertedBy]
    .map(text)
    .filter((part) => part !== '')
    .join(', ');
  const about = { madeBy, fromKeras: /^keras/i.test(text(json.generatedBy)) };
  if (kind === 'Sequential') {
    const list = objectsIn(isObject(config) ? config.layers : config);
    const layers = sequential(path, list);
    return { ...about, layers, output: layers.at(-1)!.name };
  }
  if (!['Functional', 'Model'].includes(kind) || !isObject(config)) {
    throw wrong(path, `its model is of the kind "${kind}"; Functional and Sequential can be read`);
  }
  const layers = objectsIn(config.layers).map((layer): Layer => {
    const own = readLayer(path, layer);
    return { ...own, inputs: inboundNames(path, own.name, layer.inbound_nodes) };
  });
  const outputs = nodeNames(config.output_layers);
  const inputs = nodeNames(config.input_layers);
  if (outputs.length !== 1 || inputs.length !== 1) {
    throw unsupported(
      path,
      `it has ${inputs.length} inputs and ${outputs.length} outputs; one image must go in and one come out.`,
    );
  }
  return { ...about, layers: sorted(path, layers, outputs[0]!), output: outputs[0]! };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function readLayer(path: string, layer: JsonObject): Omit<Layer, 'inputs'> {
  const { config } = layer;
  const className = text(layer.class_name);
  if (!isObject(config)) throw wrong(path, `layer "${text(layer.name)}" (${className}) has no configuration`);
  const name = text(layer.name) || text(config.name);
  if (name === '') throw wrong(path, `a layer of the kind "${className}" has no name`);
  return { name, className, config };
}

function sequential(path: string, list: readonly JsonObject[]): Layer[] {
  if (list.length === 0) throw wrong(path, 'it has no layers');
  const layers = list.map((layer) => readLayer(path, layer));
  // The input is a layer of its own, or a shape on the first one.
  if (layers[0]!.className !== 'InputLayer') {
    layers.unshift({ name: 'input of the model', className: 'InputLayer', config: layers[0]!.config });
  }
  const names = new Set(layers.map(({ name }) => name));
  if (names.size < layers.length) throw wrong(path, 'two layers have one name');
  return layers.map((layer, index) => ({ ...layer, inputs: index === 0 ? [] : [layers[index - 1]!.name] }));
}

/** Layers named in a list of [name, node, tensor], or in one such triple. */
function nodeNames(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  const list: unknown[] = value;
  if (typeof list[0] === 'string') return [list[0]];
  return list.flatMap((entry) => (Array.isArray(entry) && typeof entry[0] === 'string' ? [entry[0]] : []));
}

function inboundNames(path: string, layer: string, nodes: unknown): string[] {
  if (nodes === undefined || (Array.isArray(nodes) && nodes.length === 0)) return [];
  if (!Array.isArray(nodes) || nodes.length !== 1) {
    throw unsupported(path, `layer "${layer}" is used more than once. Export a model without shared layers.`);
  }
  const node: unknown = nodes[0];
  // Keras 2: a list of [layer, node, tensor, arguments]; Keras 3: an object with the tensors among its arguments.
  const names = isObject(node) ? historyOf(node.args, 0) : nodeNames(node);
  if (names.length === 0) throw wrong(path, `what goes into layer "${layer}" can't be read`);
  return names;
}

function historyOf(value: unknown, depth: number): string[] {
  if (depth > 4) return [];
  if (Array.isArray(value)) return value.flatMap((part: unknown) => historyOf(part, depth + 1));
  if (!isObject(value) || !isObject(value.config)) return [];
  return nodeNames(value.config.keras_history);
}

/** The layers that the output depends on, each after its inputs. Without recursion: a file may be deep. */
function sorted(path: string, layers: readonly Layer[], output: string): Layer[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  if (byName.size < layers.length) throw wrong(path, 'two layers have one name');
  const result: Layer[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const stack = [{ name: output, wantedBy: 'the output' }];
  while (stack.length > 0) {
    const { name, wantedBy } = stack.at(-1)!;
    const layer = byName.get(name);
    if (!layer) throw wrong(path, `layer "${name}", which ${wantedBy} needs, is missing`);
    if (state.get(name) === 'done') {
      stack.pop();
      continue;
    }
    const missing = layer.inputs.filter((input) => state.get(input) !== 'done');
    if (missing.some((input) => state.get(input) === 'open')) throw wrong(path, `layer "${name}" depends on itself`);
    if (missing.length === 0) {
      state.set(name, 'done');
      result.push(layer);
      stack.pop();
      continue;
    }
    state.set(name, 'open');
    for (const input of new Set(missing)) stack.push({ name: input, wantedBy: `layer "${name}"` });
  }
  return result;
}
