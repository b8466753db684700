import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { makeModel, writeOnnx } from '#src/model/graph/onnx/file.js';
import { node, tensorInfo } from '#src/model/graph/onnx/node.js';
import { TensorProto_DataType as DataType, type NodeProto, type TensorProto } from '#src/model/graph/onnx/onnx_pb.js';
import { floatTensor } from '#src/model/graph/onnx/tensor.js';
import { loadRuntime, optimisingOptions } from '#src/network/pool/runtime.js';

/** Something that does nothing but multiply and add. */
interface Probe {
  readonly name: string;
  readonly dims: readonly number[];
  /** Floating point operations of one run, a multiply-accumulate counting as two. */
  readonly operations: number;
  readonly model: Uint8Array;
}

/** Layers of a probe: enough that bringing the data into shape before and after hardly counts. */
const layers = 6;

/** Time that each probe is given in one round. */
const probeMs = 60;

/** The most that one core was seen to compute. */
export interface Peak {
  /** Operations a second. */
  readonly fastest: number;
  readonly probes: readonly { readonly name: string; readonly fastest: number }[];
}

/**
 * Measures what one core can do at most, in single precision: products of matrices and convolutions of the shapes that
 * networks have, computed by the runtime itself. Only the fastest run counts, since whatever disturbs makes runs slower.
 */
export class PeakProbe {
  private readonly fastest = new Map<string, number>();

  private constructor(
    private readonly sessions: readonly { probe: Probe; session: InferenceSession; input: Tensor }[],
  ) {}

  static async open(): Promise<PeakProbe> {
    const runtime = await loadRuntime();
    const sessions = await Promise.all(
      probes().map(async (probe) => ({
        probe,
        session: await runtime.InferenceSession.create(probe.model, optimisingOptions('cpu')),
        input: new runtime.Tensor('float32', noise(size(probe.dims), 1), probe.dims),
      })),
    );
    return new PeakProbe(sessions);
  }

  /** One more round. Its figures are best taken in between what they are compared with. */
  async measure(): Promise<void> {
    for (const { probe, session, input } of this.sessions) {
      const end = performance.now() + probeMs;
      while (performance.now() < end) {
        const start = performance.now();
        const { y } = await session.run({ x: input });
        const speed = (probe.operations / (performance.now() - start)) * 1000;
        y?.dispose();
        this.fastest.set(probe.name, Math.max(speed, this.fastest.get(probe.name) ?? 0));
      }
    }
  }

  get peak(): Peak {
    const all = [...this.fastest].map(([name, fastest]) => ({ name, fastest }));
    return { fastest: Math.max(...all.map(({ fastest }) => fastest)), probes: all };
  }

  async release(): Promise<void> {
    for (const { session } of this.sessions) await session.release();
  }
}

function probes(): Probe[] {
  return [
    matrixProduct(256),
    matrixProduct(768),
    convolution(32, 64, 3),
    convolution(64, 64, 3),
    convolution(128, 32, 3),
    convolution(64, 64, 1),
  ];
}

function matrixProduct(side: number): Probe {
  const weights = floatTensor('w', [side, side], noise(side * side, 1 / Math.sqrt(side)));
  const chain = layerChain((input, output) => node('MatMul', [input, 'w'], [output]));
  return {
    name: `product of matrices, ${side}×${side}`,
    dims: [side, side],
    operations: 2 * side ** 3 * layers,
    model: model(chain, [weights], [side, side]),
  };
}

function convolution(channels: number, side: number, kernel: number): Probe {
  const count = channels * channels * kernel * kernel;
  const weights = floatTensor('w', [channels, channels, kernel, kernel], noise(count, 1 / Math.sqrt(count / channels)));
  const pad = (kernel - 1) / 2;
  const attributes = { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad] };
  const chain = layerChain((input, output) => node('Conv', [input, 'w'], [output], attributes));
  return {
    name: `convolution ${kernel}×${kernel}, ${channels} channels, ${side}×${side}`,
    dims: [1, channels, side, side],
    operations: 2 * count * side * side * layers,
    model: model(chain, [weights], [1, channels, side, side]),
  };
}

function layerChain(layer: (input: string, output: string) => NodeProto): NodeProto[] {
  const name = (index: number): string => (index === 0 ? 'x' : index === layers ? 'y' : `h${index}`);
  return Array.from({ length: layers }, (_, index) => layer(name(index), name(index + 1)));
}

function model(nodes: NodeProto[], initializers: TensorProto[], dims: readonly number[]): Uint8Array {
  const info = (name: string) => [tensorInfo(name, DataType.FLOAT, dims)];
  return writeOnnx(makeModel({ opset: 17, nodes, initializers, inputs: info('x'), outputs: info('y') }));
}

/** Values whose products neither grow nor die away, which would make them slow special numbers. */
function noise(length: number, scale: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => scale * Math.sqrt(2) * Math.sin(index * 12.9898 + 1));
}

function size(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
