import type { ModelFiles } from '#src/model/graph/import/importer.js';
import { randomNumbers } from '../../support.js';
import type { TfLayer, TfWeight } from './tfjs-reference.js';

export type Storage = 'float32' | 'float16' | 'uint8' | 'uint16';

/** A layer of a model that a test makes: what goes in defaults to the layer before it. */
export interface LayerSpec {
  kind: string;
  name?: string;
  config?: Record<string, unknown>;
  from?: string[];
  weights?: Record<string, number[]>;
}

export interface ModelSpec {
  layers: LayerSpec[];
  storage?: Storage;
  /** Bytes of each shard. */
  shardBytes?: number;
  form?: 'functional' | 'sequential' | 'keras3' | 'tfjs';
  channels?: number;
}

export interface TestModel {
  files: ModelFiles;
  json: Record<string, unknown>;
  /** For the reference: what is stored, as numbers. */
  layers: TfLayer[];
  weights: Map<string, TfWeight>;
}

function halfBits(value: number): number {
  // Enough for the normal numbers that the tests use.
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = Math.round((Math.abs(value) / 2 ** exponent - 1) * 1024);
  return (value < 0 ? 0x8000 : 0) + ((exponent + 15) << 10) + fraction;
}

/** Bytes of a weight, and the numbers that they stand for. */
function store(values: number[], storage: Storage) {
  const view = new DataView(new ArrayBuffer(values.length * { float32: 4, float16: 2, uint8: 1, uint16: 2 }[storage]));
  const bytes = new Uint8Array(view.buffer);
  if (storage === 'float32') {
    values.forEach((value, index) => {
      view.setFloat32(index * 4, value, true);
    });
    return { bytes, values: values.map(Math.fround), quantization: undefined };
  }
  if (storage === 'float16') {
    const bits = values.map(halfBits);
    bits.forEach((half, index) => {
      view.setUint16(index * 2, half, true);
    });
    const read = bits.map((half) => {
      const size = 2 ** (((half >> 10) & 31) - 15) * (1 + (half & 1023) / 1024);
      return half & 0x8000 ? -size : size;
    });
    return { bytes, values: read, quantization: { dtype: 'float16', original_dtype: 'float32' } };
  }
  const levels = storage === 'uint8' ? 255 : 65535;
  const min = Math.min(...values);
  const scale = (Math.max(...values) - min) / levels || 1;
  const codes = values.map((value) => Math.round((value - min) / scale));
  codes.forEach((code, index) => {
    if (storage === 'uint8') view.setUint8(index, code);
    else view.setUint16(index * 2, code, true);
  });
  const quantization = { dtype: storage, min, scale, original_dtype: 'float32' };
  return { bytes, values: codes.map((code) => code * scale + min), quantization };
}

/** A layers model with random weights, as the converters write it. */
export function makeModel(spec: ModelSpec): TestModel {
  const { storage = 'float32', shardBytes = Infinity, form = 'functional', channels = 3 } = spec;
  const random = randomNumbers(spec.layers.length * 7 + 1);
  const weights = new Map<string, TfWeight>();
  const entries: Record<string, unknown>[] = [];
  const parts: Uint8Array[] = [];
  let before = 'picture';
  const layers: TfLayer[] = [
    {
      class_name: 'InputLayer',
      name: before,
      config: { batch_input_shape: [null, null, null, channels], dtype: 'float32', name: before },
      inbound_nodes: [],
    },
  ];
  spec.layers.forEach(
    ({ kind, name = `${kind.toLowerCase()}_${layers.length}`, config = {}, from, weights: shapes = {} }) => {
      for (const [weight, shape] of Object.entries(shapes)) {
        const size = shape.reduce((product, dim) => product * dim, 1);
        const positive = weight === 'moving_variance';
        const values = Array.from({ length: size }, () => (positive ? 0.5 + random() : (random() - 0.5) * 0.8 + 0.001));
        const stored = store(values, storage);
        entries.push({
          name: `${name}/${weight}`,
          shape,
          dtype: 'float32',
          ...(stored.quantization && { quantization: stored.quantization }),
        });
        parts.push(stored.bytes);
        weights.set(`${name}/${weight}`, { shape, values: stored.values });
      }
      const inbound = (from ?? [before]).map((input) => [input, 0, 0, {}]);
      layers.push({ class_name: kind, name, config: { name, ...config }, inbound_nodes: [inbound] });
      before = name;
    },
  );

  const all = Buffer.concat(parts);
  const companions = new Map<string, Uint8Array>();
  const paths: string[] = [];
  for (let at = 0; at < Math.max(1, all.length); at += shardBytes) {
    const name = `group1-shard${paths.length + 1}.bin`;
    paths.push(name);
    companions.set(name, Uint8Array.from(all.subarray(at, at + shardBytes)));
  }
  const json = {
    format: 'layers-model',
    generatedBy: form === 'tfjs' ? 'TensorFlow.js tfjs-layers v4.22.0' : 'keras v2.10.0',
    convertedBy: form === 'tfjs' ? null : 'TensorFlow.js Converter v4.22.0',
    modelTopology: topologyOf(layers, before, form),
    weightsManifest: [{ paths, weights: entries }],
  };
  return { files: filesOf(json, companions), json, layers, weights };
}

export function filesOf(json: unknown, companions: ReadonlyMap<string, Uint8Array>): ModelFiles {
  return { path: 'net/model.json', bytes: new TextEncoder().encode(JSON.stringify(json)), companions };
}

function topologyOf(layers: TfLayer[], output: string, form: ModelSpec['form']): unknown {
  if (form === 'sequential') {
    const list = layers.map(({ class_name, config }) => ({ class_name, config }));
    return {
      keras_version: '2.10.0',
      model_config: { class_name: 'Sequential', config: { name: 'net', layers: list } },
    };
  }
  const functional = (list: unknown[]) => ({
    class_name: 'Functional',
    config: { name: 'net', layers: list, input_layers: [['picture', 0, 0]], output_layers: [[output, 0, 0]] },
  });
  if (form === 'tfjs') return { ...functional(layers), class_name: 'Model', keras_version: 'tfjs-layers 4.22.0' };
  if (form !== 'keras3') return { keras_version: '2.10.0', model_config: functional(layers) };
  const tensor = (name: string) => ({
    class_name: '__keras_tensor__',
    config: { shape: [null, null, null, 3], dtype: 'float32', keras_history: [name, 0, 0] },
  });
  const list = layers.map((layer) => {
    const names = (layer.inbound_nodes as [string][][]).flatMap((node) => node.map(([name]) => name));
    const args = names.length > 1 ? [names.map(tensor)] : names.map(tensor);
    return { ...layer, inbound_nodes: names.length === 0 ? [] : [{ args, kwargs: {} }] };
  });
  return { keras_version: '3.6.0', model_config: functional(list) };
}
