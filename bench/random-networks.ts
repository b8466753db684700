// Networks of the topologies that people have, at full width, with random weights: what they cost does not depend on these.
import { writeSafetensors, type NamedTensor } from './safetensors.js';
import { makeModel, writeOnnx } from '#src/model/graph/onnx/file.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { float, tensorInfo } from '#src/model/graph/onnx/node.js';
import { TensorProto_DataType as DataType } from '#src/model/graph/onnx/onnx_pb.js';

/** Numbers from a fixed sequence (Lehmer's generator with Park and Miller's constants), -0.5 to 0.5. */
function numbers(): () => number {
  let state = 20_060_101;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647 - 0.5;
}

/** A convolution's weights that keep the size of values about what it is. */
const weights = (next: () => number, dims: readonly [number, number, number, number], gain = 1): Float32Array => {
  const [out, into, rows, columns] = dims;
  const size = (2 * gain) / Math.sqrt(into * rows * columns);
  return Float32Array.from({ length: out * into * rows * columns }, () => next() * size);
};

/** Real-ESRGAN's RRDBNet ×4, as a checkpoint: 64 channels, 32 more in each dense layer. */
export function rrdbCheckpoint(blocks: number): Uint8Array {
  const next = numbers();
  const conv = (name: string, out: number, into: number, gain = 1): NamedTensor[] => [
    { name: `${name}.weight`, dims: [out, into, 3, 3], data: weights(next, [out, into, 3, 3], gain) },
    { name: `${name}.bias`, dims: [out], data: new Float32Array(out) },
  ];
  const dense = (block: number, part: number): NamedTensor[] =>
    [1, 2, 3, 4, 5].flatMap((at) =>
      conv(`body.${block}.rdb${part}.conv${at}`, at === 5 ? 64 : 32, 64 + 32 * (at - 1), at === 5 ? 0.3 : 1),
    );
  return writeSafetensors([
    ...conv('conv_first', 64, 3),
    ...Array.from({ length: blocks }, (_, block) => [1, 2, 3].flatMap((part) => dense(block, part))).flat(),
    ...['conv_body', 'conv_up1', 'conv_up2', 'conv_hr'].flatMap((name) => conv(name, 64, 64)),
    ...conv('conv_last', 3, 64, 0.1),
  ]);
}

/** Real-ESRGAN's SRVGGNetCompact ×4, as a checkpoint. */
export function compactCheckpoint(convolutions: number): Uint8Array {
  const next = numbers();
  const layer = (at: number, out: number, into: number): NamedTensor[] => [
    { name: `body.${2 * at}.weight`, dims: [out, into, 3, 3], data: weights(next, [out, into, 3, 3]) },
    { name: `body.${2 * at}.bias`, dims: [out], data: new Float32Array(out) },
  ];
  return writeSafetensors([
    ...Array.from({ length: convolutions + 1 }, (_, at): NamedTensor[] => [
      ...layer(at, 64, at === 0 ? 3 : 64),
      { name: `body.${2 * at + 1}.weight`, dims: [64], data: new Float32Array(64).fill(0.1) },
    ]).flat(),
    ...layer(convolutions + 1, 3 * 4 ** 2, 64),
  ]);
}

/**
 * UpCunet ×2 of waifu2x and Real-CUGAN, as ONNX: two U-nets one after another, with squeeze and excitation in four places
 * (https://github.com/nagadomi/nunif, waifu2x/models/cunet.py; https://github.com/bilibili/ailab, Real-CUGAN/upcunet_v3.py).
 */
export function cunet(): Uint8Array {
  const writer = new GraphWriter(17, 'c');
  const next = numbers();
  const conv = (value: string, into: number, out: number, kernel: number, stride = 1): string => {
    const dims = [out, into, kernel, kernel] as const;
    const inputs = [value, writer.floats(weights(next, dims), dims), writer.floats(new Float32Array(out), [out])];
    return writer.op('Conv', inputs, { kernel_shape: [kernel, kernel], strides: [stride, stride] });
  };
  const up = (value: string, into: number, out: number, kernel = 2, pad = 0): string => {
    const dims = [into, out, kernel, kernel] as const;
    const attributes = { kernel_shape: [kernel, kernel], strides: [2, 2], pads: [pad, pad, pad, pad] };
    return writer.op('ConvTranspose', [value, writer.floats(weights(next, dims), dims)], attributes);
  };
  const leaky = (value: string): string => writer.op('LeakyRelu', [value], { alpha: float(0.1) });
  const cut = (value: string, by: number): string =>
    writer.op('Pad', [value, writer.ints([0, 0, -by, -by, 0, 0, -by, -by])], { mode: 'constant' });
  const excited = (value: string, channels: number): string => {
    const mean = writer.op('GlobalAveragePool', [value]);
    const squeezed = writer.op('Relu', [conv(mean, channels, channels / 8, 1)]);
    return writer.op('Mul', [value, writer.op('Sigmoid', [conv(squeezed, channels / 8, channels, 1)])]);
  };
  const twice = (value: string, into: number, middle: number, out: number, squeezes: boolean): string => {
    const seen = leaky(conv(leaky(conv(value, into, middle, 3)), middle, out, 3));
    return squeezes ? excited(seen, out) : seen;
  };
  const add = (a: string, b: string): string => writer.op('Add', [a, b]);

  const padded = writer.op('Pad', ['input', writer.ints([0, 0, 18, 18, 0, 0, 18, 18])], { mode: 'reflect' });
  const first = twice(padded, 3, 32, 64, false);
  const lower = twice(leaky(conv(first, 64, 64, 2, 2)), 64, 128, 64, true);
  const joined = leaky(conv(add(cut(first, 4), leaky(up(lower, 64, 64))), 64, 64, 3));
  const large = up(joined, 64, 3, 4, 3);

  const x1 = twice(large, 3, 32, 64, false);
  const x2 = twice(leaky(conv(x1, 64, 64, 2, 2)), 64, 64, 128, true);
  const x3 = leaky(up(twice(leaky(conv(x2, 128, 128, 2, 2)), 128, 256, 128, true), 128, 128));
  const x4 = leaky(up(twice(add(cut(x2, 4), x3), 128, 64, 64, true), 64, 64));
  const x5 = leaky(conv(add(cut(x1, 16), x4), 64, 64, 3));
  writer.op('Add', [conv(x5, 64, 3, 3), cut(large, 20)], {}, 'output');
  return writeOnnx(
    makeModel({
      opset: 17,
      nodes: writer.nodes,
      initializers: writer.initializers,
      inputs: [tensorInfo('input', DataType.FLOAT, [1, 3, 'height', 'width'])],
      outputs: [tensorInfo('output', DataType.FLOAT, [1, 3, 'out_height', 'out_width'])],
    }),
  );
}
