import { tensorInfo } from './onnx/node.js';
import { opsetOf, readOnnx, writeOnnx } from './onnx/file.js';
import { GraphWriter } from './onnx/graph-writer.js';
import { renameTensors, tensorNames } from './onnx/names.js';
import { TensorProto_DataType as DataType, type ValueInfoProto } from './onnx/onnx_pb.js';
import type { PixelType } from '../../pixels.js';

const TYPES = {
  uint8: { dataType: DataType.UINT8, max: 255 },
  uint16: { dataType: DataType.UINT16, max: 65535 },
  float32: { dataType: DataType.FLOAT, max: 1 },
} as const;

/**
 * Wraps a core (float32 NCHW `input` [1,3,h,w] in 0..1 -> `output` [1,3,h*scale,w*scale]) so that it takes and gives
 * interleaved pixels: `pixels` [1,h,w,channels] -> `upscaled` [1,h*scale,w*scale,channels], both of `type`.
 *
 * Integers are divided by their largest value on the way in; on the way out values are limited to 0..1, multiplied by it
 * and rounded to the nearest. float32 goes in as it is and comes out limited to 0..1. With one channel the plane goes in as
 * R = G = B, and the mean of the core's three channels comes out.
 *
 * A graph whose output has another name is a pass over the picture that makes none: its outputs stay as they are. Inputs besides
 * `input` stay, too, and so do outputs after `output`.
 *
 * Nodes are only added around the core, so it may also be what onnxruntime's optimiser wrote: then load the result with
 * optimisation 'disabled', from the same folder if the core's weights lie in a file next to it.
 */
export function wrapPixels(core: Uint8Array, type: PixelType, channels: 1 | 3): Uint8Array {
  const model = readOnnx(core, 'The optimised network');
  const { graph } = model;
  const prefix = freePrefix(tensorNames(graph));
  // The interface's names are given to the wrapper, so whatever has them inside steps aside.
  renameTensors(graph, (name) => (name === 'pixels' || name === 'upscaled' ? `${prefix}core_${name}` : name));

  const { dataType, max } = TYPES[type];
  const before = new GraphWriter(opsetOf(model), `${prefix}in_`);
  const after = new GraphWriter(opsetOf(model), `${prefix}out_`);

  // Rearranging comes before the cast on the way in and after it on the way out: it then moves one byte, not four.
  const toPlanes = { perm: [0, 3, 1, 2] };
  const last = type === 'float32' ? 'input' : undefined;
  const only = channels === 3 ? last : undefined;
  let planes = before.op('Transpose', ['pixels'], toPlanes, only);
  if (channels === 1) planes = before.op('Concat', [planes, planes, planes], { axis: 1 }, last);
  if (type !== 'float32') {
    const floats = before.op('Cast', [planes], { to: DataType.FLOAT });
    before.op('Div', [floats, before.floats([max])], {}, 'input');
  }

  const makesPicture = graph.output[0]?.name === 'output';
  const { nodes: rest, initializers } = makesPicture ? pictureEnd(after, type, channels) : after;
  graph.node = [...before.nodes, ...graph.node, ...rest];
  graph.initializer.push(...before.initializers, ...initializers);
  graph.input = [
    tensorInfo('pixels', dataType, [1, 'height', 'width', channels]),
    ...graph.input.filter(({ name }) => name !== 'input'),
  ];
  if (makesPicture) {
    graph.output = [
      tensorInfo('upscaled', dataType, [1, 'upscaled_height', 'upscaled_width', channels]),
      ...graph.output.slice(1),
    ];
  }
  return writeOnnx(model);
}

/** Makes pixels of what a core gives. */
function pictureEnd(writer: GraphWriter, type: PixelType, channels: 1 | 3): GraphWriter {
  const { dataType, max } = TYPES[type];
  let result = channels === 1 ? writer.channelMean('output') : 'output';
  result = writer.clip(result, 0, 1);
  if (type !== 'float32') {
    // A cast to integers cuts off the fraction: with one half added it rounds.
    result = writer.op('Mul', [result, writer.floats([max])]);
    result = writer.op('Add', [result, writer.floats([0.5])]);
    result = writer.op('Cast', [result], { to: dataType });
  }
  writer.op('Transpose', [result], { perm: [0, 2, 3, 1] }, 'upscaled');
  return writer;
}

/** A prefix that no tensor's name begins with. */
function freePrefix(names: Set<string>): string {
  for (let tries = 0; ; tries++) {
    const prefix = `upres${tries === 0 ? '' : String(tries)}_`;
    if (![...names].some((name) => name.startsWith(prefix))) return prefix;
  }
}

/**
 * Lets a graph take any number of pictures at once: the first dimension of its inputs and outputs becomes free. Whether what
 * lies between them can do that as well is only known once it has been tried.
 */
export function freeBatch(graph: Uint8Array): Uint8Array {
  const model = readOnnx(graph, 'The wrapped network');
  for (const info of [...model.graph.input, ...model.graph.output]) free(info);
  return writeOnnx(model);
}

function free({ type }: ValueInfoProto): void {
  const batch = type?.value.case === 'tensorType' ? type.value.value.shape?.dim[0] : undefined;
  if (batch) batch.value = { case: 'dimParam', value: 'batch' };
}
