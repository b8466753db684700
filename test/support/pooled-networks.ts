import { float } from '#src/model/graph/onnx/node.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { imageNetwork } from './image-network.js';
import { randomNumbers } from './pictures.js';

/** Adds layers to a graph, with weights of a fixed random sequence. */
class Layers {
  readonly writer: GraphWriter;
  private readonly random = randomNumbers(5);

  constructor(opset: number) {
    this.writer = new GraphWriter(opset, 'n');
  }

  conv(from: string, into: number, out: number, size: number, attributes: object = {}): string {
    const weights = this.weights([out, into, size, size], into * size ** 2);
    return this.writer.op('Conv', [from, weights, this.bias(out)], { kernel_shape: [size, size], ...attributes });
  }

  up(from: string, into: number, out: number, size: number, pad: number): string {
    const weights = this.weights([into, out, size, size], into * (size / 2) ** 2);
    const attributes = { kernel_shape: [size, size], strides: [2, 2], pads: [pad, pad, pad, pad] };
    return this.writer.op('ConvTranspose', [from, weights, this.bias(out)], attributes);
  }

  leaky(from: string): string {
    return this.writer.op('LeakyRelu', [from], { alpha: float(0.1) });
  }

  /** Squeeze and excitation. */
  excite(from: string, width: number): string {
    const mean = this.writer.op('GlobalAveragePool', [from]);
    const small = this.writer.op('Relu', [this.conv(mean, width, 2, 1)]);
    return this.writer.op('Mul', [from, this.writer.op('Sigmoid', [this.conv(small, 2, width, 1)])]);
  }

  /** Two convolutions without padding, as waifu2x has them. */
  block(from: string, [a, b, c]: readonly [number, number, number], excited: boolean): string {
    const seen = this.leaky(this.conv(this.leaky(this.conv(from, a, b, 3)), b, c, 3));
    return excited ? this.excite(seen, c) : seen;
  }

  /** Adds to a picture less its border. */
  addCut(picture: string, border: number, to: string): string {
    const { writer } = this;
    const [starts, ends] = [writer.ints([border, border]), writer.ints([-border, -border])];
    return writer.op('Add', [writer.op('Slice', [picture, starts, ends, writer.ints([2, 3])]), to]);
  }

  private weights(dims: readonly number[], sum: number): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const spread = Math.sqrt(3 / sum);
    return this.writer.floats(
      Float32Array.from({ length: count }, () => (this.random(65536) / 32768 - 1) * spread),
      dims,
    );
  }

  private bias(count: number): string {
    return this.writer.floats(
      Float32Array.from({ length: count }, () => this.random(65536) / 327680),
      [count],
    );
  }
}

/** waifu2x's cunet ×2, four times squeezed and excited, with few channels: as people export it, padded by reflection inside. */
export function cunet(opset = 13): Uint8Array {
  const net = new Layers(opset);
  const { writer } = net;
  const padded = writer.op('Pad', ['input', writer.ints([0, 0, 18, 18, 0, 0, 18, 18])], { mode: 'reflect' });

  const a1 = net.block(padded, [3, 4, 6], false);
  const a2 = net.leaky(net.conv(a1, 6, 6, 2, { strides: [2, 2] }));
  const a3 = net.leaky(net.up(net.block(a2, [6, 8, 6], true), 6, 6, 2, 0));
  const first = net.up(net.leaky(net.conv(net.addCut(a1, 4, a3), 6, 6, 3)), 6, 3, 4, 3);

  const b1 = net.block(first, [3, 4, 6], false);
  const b2 = net.block(net.leaky(net.conv(b1, 6, 6, 2, { strides: [2, 2] })), [6, 6, 8], true);
  const b3 = net.leaky(net.conv(b2, 8, 8, 2, { strides: [2, 2] }));
  const b4 = net.leaky(net.up(net.block(b3, [8, 10, 8], true), 8, 8, 2, 0));
  const b5 = net.block(net.addCut(b2, 4, b4), [8, 6, 6], true);
  const b6 = net.leaky(net.up(b5, 6, 6, 2, 0));
  const last = net.conv(net.leaky(net.conv(net.addCut(b1, 16, b6), 6, 6, 3)), 6, 3, 3);
  // As trained ones do, it mostly gives back its input.
  const enlarged = writer.op('Resize', ['input', '', writer.floats([1, 1, 2, 2], [4])], { mode: 'nearest' });
  const small = writer.op('Mul', [net.addCut(first, 20, last), writer.floats([0.05])]);
  writer.op('Add', [enlarged, small], {}, 'output');
  return imageNetwork(writer, opset);
}

export type Pooled = (writer: GraphWriter, features: string) => string;

/** A ×2 network of 8 channels with something that pools in its middle, made of its features. */
export function pooledNetwork(pool: Pooled, opset = 13): Uint8Array {
  const net = new Layers(opset);
  const { writer } = net;
  const pads = [1, 1, 1, 1];
  const features = writer.op('Relu', [net.conv('input', 3, 8, 3, { pads })]);
  const seen = net.conv(pool(writer, features), 8, 12, 3, { pads });
  const detail = writer.op('DepthToSpace', [seen], { blocksize: 2, mode: 'CRD' });
  const enlarged = writer.op('Resize', ['input', '', writer.floats([1, 1, 2, 2], [4])], { mode: 'nearest' });
  writer.op('Add', [enlarged, writer.op('Mul', [detail, writer.floats([0.1])])], {}, 'output');
  return imageNetwork(writer, opset);
}

/** Features times what a pool of them tells, as squeeze and excitation has it. */
export const excitedBy =
  (pool: Pooled): Pooled =>
  (writer, features) =>
    writer.op('Mul', [features, writer.op('Sigmoid', [pool(writer, features)])]);
