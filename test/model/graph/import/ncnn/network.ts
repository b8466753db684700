import { writeOnnx } from '#src/model/graph/onnx/file.js';
import { ncnnImporter } from '#src/model/graph/import/ncnn.js';
import { randomFloats } from '../../../support.js';

/** How weights are stored: float32, float16, or bytes that point into a table of 256 values. */
export type Storage = 'float32' | 'float16' | 'table';

/** Weights of a layer: the first ones of most layers have a word before them that says how they are stored. */
export interface LayerWeights {
  values: Float32Array;
  storage?: Storage;
}

export interface NcnnLayer {
  type: string;
  inputs?: string[];
  outputs: string[];
  params?: Record<number, number | readonly number[]>;
  weights?: LayerWeights[];
}

/** The text of a `.param` file and the bytes of a `.bin` file. */
export function files(layers: readonly NcnnLayer[]): { param: string; bin: Uint8Array } {
  const lines = layers.map(({ type, inputs = [], outputs, params = {} }, at) => {
    const words = Object.entries(params).map(([id, value]) =>
      typeof value === 'number' ? `${id}=${value}` : `${-23300 - Number(id)}=${[value.length, ...value].join(',')}`,
    );
    return [type, `layer${at}`, inputs.length, outputs.length, ...inputs, ...outputs, ...words].join(' ');
  });
  const blobs = layers.reduce((sum, { outputs }) => sum + outputs.length, 0);
  const param = ['7767517', `${layers.length} ${blobs}`, ...lines, ''].join('\n');
  const bin = Buffer.concat(layers.flatMap(({ weights = [] }) => weights.map(stored)));
  return { param, bin: new Uint8Array(bin) };
}

function stored({ values, storage }: LayerWeights): Uint8Array {
  const floats = new Uint8Array(values.slice().buffer);
  if (storage === undefined) return floats;
  switch (storage) {
    case 'float32':
      return Buffer.concat([word(0), floats]);
    case 'float16': {
      const bytes = Buffer.alloc(Math.ceil(values.length / 2) * 4);
      values.forEach((value, at) => bytes.writeUInt16LE(toHalf(value), at * 2));
      return Buffer.concat([word(0x01306b47), bytes]);
    }
    case 'table': {
      const table = [...new Set(values)];
      const indices = Buffer.alloc(Math.ceil(values.length / 4) * 4);
      values.forEach((value, at) => (indices[at] = table.indexOf(value)));
      const whole = Float32Array.from({ length: 256 }, (_, at) => table[at] ?? 0);
      return Buffer.concat([word(0x00000001), new Uint8Array(whole.buffer), indices]);
    }
  }
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Bits of a float16 that a number is exactly. */
export function toHalf(value: number): number {
  if (value === 0) return Object.is(value, -0) ? 0x8000 : 0;
  const sign = value < 0 ? 0x8000 : 0;
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(value))));
  const fraction = Math.abs(value) / 2 ** exponent;
  const bits = fraction < 1 ? fraction * 1024 : ((exponent + 15) << 10) + (fraction - 1) * 1024;
  if (!Number.isInteger(bits)) throw new RangeError(`${value} is no float16`);
  return sign + bits;
}

/** Converts, and gives the bytes of the ONNX file. */
export function convert(param: string | Uint8Array, bin: Uint8Array, name = 'network'): Uint8Array {
  return writeOnnx(
    ncnnImporter.convert({
      path: `/models/${name}.param`,
      bytes: Buffer.from(param),
      companions: new Map([[`${name}.bin`, bin]]),
    }).model,
  );
}

/** Random values that float16 holds exactly, of about the size that keeps signals as large as they are. */
export function weights(count: number, seed: number, fan = 1): Float32Array {
  const step = 2 ** -8 / 2 ** Math.round(Math.log2(Math.sqrt(fan)));
  return randomFloats(count, seed, -256, 256).map((value) => Math.round(value) * step);
}

/** A picture goes in. */
export const input: NcnnLayer = { type: 'Input', outputs: ['data'], params: { 0: 100, 1: 100, 2: 3 } };

export interface ConvOptions {
  kernel?: number | readonly [width: number, height: number];
  params?: NcnnLayer['params'];
  storage?: Storage;
  seed?: number;
  group?: number;
  bias?: boolean;
  type?: string;
}

/** A convolution, or with another type one of its kin, with random weights. */
export function conv(
  from: string,
  to: string,
  [channels, outputs]: readonly [number, number],
  options: ConvOptions = {},
): NcnnLayer {
  const { kernel = 3, params = {}, storage = 'float32', seed = 1, group = 1, bias = true, type } = options;
  const [width, height] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
  const count = (outputs * channels * width * height) / group;
  const main = weights(count, seed, (channels * width * height) / group);
  return {
    type: type ?? (group === 1 ? 'Convolution' : 'ConvolutionDepthWise'),
    inputs: [from],
    outputs: [to],
    params: {
      0: outputs,
      1: width,
      ...(height !== width && { 11: height }),
      ...(bias && { 5: 1 }),
      6: count,
      ...(group !== 1 && { 7: group }),
      ...params,
    },
    weights: [
      { values: main, storage },
      ...(bias ? [{ values: weights(outputs, seed + 1).map((value) => value / 4) }] : []),
    ],
  };
}

export const deconv = (
  from: string,
  to: string,
  channels: readonly [number, number],
  options: ConvOptions = {},
): NcnnLayer =>
  conv(from, to, channels, {
    type: (options.group ?? 1) === 1 ? 'Deconvolution' : 'DeconvolutionDepthWise',
    ...options,
  });

/** A layer without weights. */
export function plain(
  type: string,
  inputs: string | string[],
  outputs: string | string[],
  params: NcnnLayer['params'] = {},
): NcnnLayer {
  return { type, inputs: [inputs].flat(), outputs: [outputs].flat(), params };
}
