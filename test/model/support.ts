import { makeModel, writeOnnx, type OnnxModel } from '#src/model/graph/onnx/file.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { tensorInfo } from '#src/model/graph/onnx/node.js';
import { TensorProto_DataType as DataType } from '#src/model/graph/onnx/onnx_pb.js';

process.env.ORT_DISABLE_TELEMETRY = '1';
// Loaded after the switch is set: the runtime reads it once.
const { InferenceSession, Tensor } = await import('onnxruntime-node');

export type Data = Float32Array | Uint8Array | Uint16Array;
export interface Result {
  data: Data;
  dims: readonly number[];
}
type Options = NonNullable<Parameters<typeof InferenceSession.create>[1]>;

/** A network that is loaded; release it. */
export async function load(model: Uint8Array | string, options: Options = {}) {
  const settings: Options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3, ...options };
  const session =
    typeof model === 'string'
      ? await InferenceSession.create(model, settings)
      : await InferenceSession.create(model, settings);
  return {
    async run(data: Data, dims: readonly number[]): Promise<Result> {
      const type = data instanceof Float32Array ? 'float32' : data instanceof Uint8Array ? 'uint8' : 'uint16';
      const results = await session.run({ [session.inputNames[0]!]: new Tensor(type, data, dims) });
      const output = results[session.outputNames[0]!]!;
      return { data: output.data as Data, dims: output.dims };
    },
    release: () => session.release(),
  };
}

/** Loads, runs once and releases. */
export async function run(
  model: Uint8Array | string,
  data: Data,
  dims: readonly number[],
  options: Options = {},
): Promise<Result> {
  const session = await load(model, options);
  try {
    return await session.run(data, dims);
  } finally {
    await session.release();
  }
}

/** Numbers in 0..1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomFloats(count: number, seed: number, low = 0, high = 1): Float32Array {
  const next = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => low + (high - low) * next());
}

/** Largest absolute difference. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

export interface NetworkShape {
  opset?: number;
  input?: readonly (number | string)[];
  output?: readonly (number | string)[];
  inputType?: DataType;
  outputType?: DataType;
}

/** A network from a function that writes its nodes, from the input's name to the output's. */
export function network(
  build: (writer: GraphWriter, input: string) => string,
  { opset = 13, input, output, inputType = DataType.FLOAT, outputType = inputType }: NetworkShape = {},
): OnnxModel {
  const writer = new GraphWriter(opset, 't_');
  writer.op('Identity', [build(writer, 'image')], {}, 'result');
  return makeModel({
    opset,
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: [tensorInfo('image', inputType, input ?? [1, 3, 'h', 'w'])],
    outputs: [tensorInfo('result', outputType, output ?? [1, 'c', 'oh', 'ow'])],
  });
}

export function bytesOf(model: OnnxModel): Uint8Array {
  return writeOnnx(model);
}

export interface ConvOptions {
  group?: number;
  stride?: number;
  dilation?: number;
  /** Left and top, then right and bottom; the same on both sides by default. */
  pads?: readonly [number, number];
  seed?: number;
  low?: number;
  high?: number;
}

/** A convolution with random weights; without pads it keeps the size. */
export function conv(
  writer: GraphWriter,
  input: string,
  [from, to]: readonly [number, number],
  kernel: number,
  { group = 1, stride = 1, dilation = 1, pads, seed = 1, low = -0.5, high = 0.5 }: ConvOptions = {},
): string {
  const total = (kernel - 1) * dilation;
  const [before, after] = pads ?? [Math.floor(total / 2), Math.ceil(total / 2)];
  const size = (to * from * kernel * kernel) / group;
  const fan = (from * kernel * kernel) / group;
  const weights = writer.floats(
    randomFloats(size, seed, low, high).map((w) => (w * 2) / fan ** 0.5),
    [to, from / group, kernel, kernel],
  );
  return writer.op('Conv', [input, weights], {
    group,
    kernel_shape: [kernel, kernel],
    dilations: [dilation, dilation],
    strides: [stride, stride],
    pads: [before, before, after, after],
  });
}

export function shuffle(writer: GraphWriter, input: string, block: number): string {
  return writer.op('DepthToSpace', [input], { blocksize: block, ...(writer.opset >= 11 && { mode: 'CRD' }) });
}

/** A small network that is typical for upscaling: conv, relu, conv, shuffle. */
export function plainNetwork(shape: NetworkShape = {}, scale = 2): OnnxModel {
  return network((writer, input) => {
    const features = writer.op('Relu', [conv(writer, input, [3, 8], 3, { seed: 1 })]);
    return shuffle(writer, conv(writer, features, [8, 3 * scale * scale], 3, { seed: 2 }), scale);
  }, shape);
}

/** The part of an NCHW tensor from (x, y) with that size. */
export function crop(
  { data, dims }: Result,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): Float32Array {
  const [, channels = 1, rows = 1, columns = 1] = dims;
  const result = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < height; row++) {
      const start = (c * rows + y + row) * columns + x;
      result.set(data.subarray(start, start + width), (c * height + row) * width);
    }
  }
  return result;
}
