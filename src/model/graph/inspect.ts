import { UpresError } from '../../errors.js';
import type { CardSide, PartialModelCard } from '../catalogue/card.js';
import type { SideColours } from '../catalogue/colours.js';
import { allNodes, endlessLoop } from './loops.js';
import { opsetOf, type OnnxModel } from './onnx/file.js';
import { TensorProto_DataType as DataType, type GraphProto, type ValueInfoProto } from './onnx/onnx_pb.js';
import { analyse, type Analysis, type PictureSize } from './receptive-field.js';
import { freeSize } from './rewrite/free-size.js';

/** The operator sets that the runtime reads and that upres has forms of its nodes for. */
const OPSETS = { oldest: 9, newest: 26 } as const;

/** Domains whose operators the runtime has. */
const DOMAINS = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'com.microsoft',
  'com.microsoft.nchwc',
  'ai.onnx.training',
  'ai.onnx.preview.training',
]);

/** Operators that give other numbers every time. */
const RANDOM = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
]);

/** Of the one size that a network takes: a little more than a screen of 3840×2160. Each tile has as many, and no memory budget has a part in it. */
const MOST_FIXED_PIXELS = 2 ** 23;

/** ModelProto's field for functions that a file defines itself, besides the fields in onnx.proto; and a loop in them, as a node has it. */
const FUNCTIONS_FIELD = 25;
const LOOP_FIELD = '\x22\x04Loop';

/** How pictures go in or come out. */
export type NetworkSide = CardSide & SideColours;

/** How pictures go into a network and come out of it. */
export interface NetworkInterface {
  readonly inputName: string;
  readonly outputName: string;
  readonly input: NetworkSide;
  readonly output: NetworkSide;
  /** Undefined when the graph can't be followed without running it. */
  readonly scale: number | undefined;
  /** Where it takes pictures of this size alone. */
  readonly fixedSize?: PictureSize;
}

const TYPES: Partial<Record<number, CardSide['type']>> = {
  [DataType.FLOAT]: 'float32',
  [DataType.FLOAT16]: 'float16',
  [DataType.UINT8]: 'uint8',
};

/**
 * Finds out whether an ONNX network enlarges one picture, and how it wants it. What a model card states is taken from there,
 * the rest from the graph. Throws MODEL_UNSUPPORTED with what was found and what is needed.
 */
export function inspectNetwork(model: OnnxModel, card: Partial<PartialModelCard>, name: string): NetworkInterface {
  const refuse = (found: string): UpresError =>
    new UpresError('MODEL_UNSUPPORTED', `${name} can't be used: ${found}`, { file: name });
  const { graph } = model;
  const opset = opsetOf(model);
  if (opset < OPSETS.oldest || opset > OPSETS.newest) {
    throw refuse(
      `it is written for ONNX operator set ${opset}, and ${OPSETS.oldest} to ${OPSETS.newest} can be read. ` +
        'Export it again with "opset_version" in that range, or convert it with onnx.version_converter.',
    );
  }
  const functions = model.$unknown?.filter(({ no }) => no === FUNCTIONS_FIELD) ?? [];
  const foreign = graph.node.find(({ domain }) => !DOMAINS.has(domain));
  if (foreign && functions.length === 0) {
    throw refuse(
      `it uses the operator ${foreign.opType} of "${foreign.domain}", which is not part of ONNX. Export it with standard operators.`,
    );
  }

  const random = [...allNodes(graph)].find(({ opType, domain }) => domain === '' && RANDOM.has(opType));
  if (random) {
    throw refuse(
      `it computes with random numbers (${random.opType} "${random.name || (random.output[0] ?? '')}"), so that no two runs give the ` +
        'same picture. Export it without them.',
    );
  }

  const loop = endlessLoop(graph);
  if (loop || functions.some(({ data }) => Buffer.from(data).includes(LOOP_FIELD))) {
    throw refuse(
      `nothing in it says that it ends soon (Loop "${loop?.name ?? ''}"). Export it with its loops written out, as ` +
        'torch.onnx.export does of a network that is traced.',
    );
  }

  const constants = new Set(graph.initializer.map((tensor) => tensor.name));
  const inputs = graph.input.filter((info) => !constants.has(info.name));
  const [inputInfo] = inputs;
  const [outputInfo] = graph.output;
  if (!inputInfo || inputs.length !== 1) {
    throw refuse(
      `it has ${count(inputs)}; exactly one image must go in. Export it with its other inputs as constants.`,
    );
  }
  if (!outputInfo || graph.output.length !== 1) {
    throw refuse(
      `it has ${count(graph.output).replace('input', 'output')}; exactly one image must come out. Export it with that output alone.`,
    );
  }
  const inputType = typeOf(inputInfo, 'input', card.input, refuse);
  const outputType = typeOf(outputInfo, 'output', card.output, refuse);
  const shape = shapeOf(inputInfo);
  const candidates = candidatesFor(shape, card.input);
  if (candidates.length === 0) {
    throw refuse(
      `its input has the shape ${describe(shape)}. One picture [1, channels, height, width] or [1, height, width, channels] ` +
        'of 3 channels (RGB) or 1 (luma) is needed.',
    );
  }
  const type = elementType(inputInfo) ?? DataType.FLOAT;
  const tried = candidates.map((side): Found => ({ ...side, analysis: analyse(graph, opset, { ...side, type }) }));
  const found =
    tried.find(({ analysis }) => analysis.geometry.scale !== undefined) ??
    freed(graph, opset, candidates, { shape, type }) ??
    tried.find(({ analysis }) => isUnfollowed(analysis));
  if (!found)
    throw refuse(
      explain(
        tried.map(({ analysis }) => analysis),
        shape,
      ),
    );

  const { analysis, layout, channels, fixedSize } = found;
  if (fixedSize && fixedSize.h * fixedSize.w > MOST_FIXED_PIXELS)
    throw refuse(
      `it takes pictures of ${fixedSize.w}×${fixedSize.h} pixels alone, too many to compute at once. ${DYNAMIC}`,
    );
  const scale = analysis.geometry.scale ?? card.scale;
  if (scale !== undefined && card.scale !== undefined && scale !== card.scale) {
    throw refuse(`its model card says scale ${card.scale}, but its graph enlarges by ${scale}. Correct the card.`);
  }
  const out = outputSide(analysis, outputInfo, layout, channels, card.output);
  if (out.channels !== channels) {
    throw refuse(
      `it takes ${channels} and gives ${out.channels} channels. As many channels as go in must come out: 3 (RGB) or 1 (luma).`,
    );
  }
  if (channels === 1 && scale === undefined) {
    throw refuse(
      'its graph can\'t be followed to find the scale. Write "scale" into a model card (model.json) next to it.',
    );
  }
  return {
    inputName: inputInfo.name,
    outputName: outputInfo.name,
    input: {
      layout,
      channels,
      type: inputType,
      range: rangeOf(inputType, card.input),
      order: card.input?.order ?? 'RGB',
    },
    output: {
      layout: out.layout,
      channels,
      type: outputType,
      range: rangeOf(outputType, { ...card.input, ...card.output }),
      order: card.output?.order ?? card.input?.order ?? 'RGB',
    },
    scale,
    ...(fixedSize && { fixedSize }),
  };
}

type Refuse = (found: string) => UpresError;
type PartialSide = PartialModelCard['input'];
type Shape = readonly (number | string)[] | undefined;
type Candidate = Pick<CardSide, 'layout' | 'channels'>;
type Found = Candidate & { readonly analysis: Analysis; readonly fixedSize?: PictureSize };

function typeOf(info: ValueInfoProto, what: string, card: PartialSide, refuse: Refuse): CardSide['type'] {
  const number = elementType(info) ?? DataType.FLOAT;
  const type = TYPES[number];
  if (!type) {
    throw refuse(
      `its ${what} "${info.name}" has elements of type ${(DataType[number] ?? String(number)).toLowerCase()}. ` +
        'float32, float16 or uint8 is needed.',
    );
  }
  if (card?.type && card.type !== type) {
    throw refuse(`its model card says ${what} type ${card.type}, but the file says ${type}. Correct the card.`);
  }
  return type;
}

function rangeOf(type: CardSide['type'], card: PartialSide): CardSide['range'] {
  return type === 'uint8' ? [0, 255] : (card?.range ?? [0, 1]);
}

/** The ways in which a picture can have the declared shape, the likeliest first. */
function candidatesFor(shape: Shape, card: PartialSide): Candidate[] {
  const all: Candidate[] = [
    { layout: 'NCHW', channels: 3 },
    { layout: 'NHWC', channels: 3 },
    { layout: 'NCHW', channels: 1 },
    { layout: 'NHWC', channels: 1 },
  ];
  return all.filter(({ layout, channels }) => {
    if (card?.layout && card.layout !== layout) return false;
    if (card?.channels && card.channels !== channels) return false;
    if (!shape) return true;
    const declared = shape[layout === 'NCHW' ? 1 : 3];
    const other = shape[layout === 'NCHW' ? 3 : 1];
    const batch = shape[0];
    return (
      shape.length === 4 &&
      // Where one of the two is a number and the other is not, the number is that of the channels.
      (declared === channels || (typeof declared === 'string' && typeof other === 'string')) &&
      (typeof batch === 'string' || batch === 1)
    );
  });
}

function outputSide(
  { output, picture, geometry }: Analysis,
  info: ValueInfoProto,
  layout: CardSide['layout'],
  channels: number,
  card: PartialSide,
): { layout: CardSide['layout']; channels: number } {
  if (output && geometry.scale !== undefined) {
    const planes = output[2] === picture.h * geometry.scale;
    return { layout: planes ? 'NCHW' : 'NHWC', channels: output[planes ? 1 : 3] ?? 0 };
  }
  // Not followed: what the file declares, or else as the input.
  const assumed = card?.layout ?? layout;
  const declared = shapeOf(info)?.[assumed === 'NCHW' ? 1 : 3];
  return { layout: assumed, channels: typeof declared === 'number' ? declared : channels };
}

const DYNAMIC = 'Export it with dynamic height and width ("dynamic_axes").';

/** Height and width, where they are declared as numbers. */
function declaredSize(shape: Shape, layout: CardSide['layout']): PictureSize | undefined {
  const [h, w] = shape?.slice(layout === 'NCHW' ? 2 : 1) ?? [];
  return typeof h === 'number' && typeof w === 'number' ? { h, w } : undefined;
}

/** Nothing forbids it, and the runtime may know more. */
const isUnfollowed = ({ contradiction, output }: Analysis): boolean =>
  contradiction === undefined && output === undefined;

/**
 * A network that was exported for one size. Its graph is changed, in place, so that it takes pictures of any; where that can't be done it takes those alone.
 */
function freed(
  graph: GraphProto,
  opset: number,
  candidates: readonly Candidate[],
  { shape, type }: { readonly shape: Shape; readonly type: number },
): Found | undefined {
  const sized = candidates.flatMap((side) => {
    const size = declaredSize(shape, side.layout);
    return size ? [{ ...side, size }] : [];
  });
  for (const { size, ...side } of sized) {
    const open = freeSize(graph, opset, { ...side, type }, size);
    const analysis = open && analyse(open, opset, { ...side, type });
    if (analysis?.geometry.scale === undefined) continue;
    graph.node = open!.node;
    graph.initializer = open!.initializer;
    return { ...side, analysis };
  }
  return sized
    .map(({ size, ...side }) => ({
      ...side,
      fixedSize: size,
      analysis: analyse(graph, opset, { ...side, type }, size),
    }))
    .find(({ analysis }) => analysis.geometry.scale !== undefined || isUnfollowed(analysis));
}

/** Why no way of taking the input led to a picture. */
function explain(tried: readonly Analysis[], shape: Shape): string {
  const advice = declaredSize(shape, 'NCHW')
    ? ` Its input is declared with a fixed size, ${describe(shape)}. ${DYNAMIC}`
    : '';
  const followed = tried.find(({ contradiction, output }) => contradiction === undefined && output !== undefined);
  if (!followed)
    return `a picture can't pass through its graph (${tried[0]?.contradiction ?? 'unknown reason'}).${advice}`;
  const { output, picture } = followed;
  return (
    `for an input of ${picture.w} x ${picture.h} pixels its output has the shape [${output!.join(', ')}]. ` +
    'Width and height must both be the same whole multiple of the input\'s; convolutions without padding ("valid") cut the ' +
    `border off, so pad the input inside the network by as much.${advice}`
  );
}

function count(infos: readonly ValueInfoProto[]): string {
  const names = infos.map(({ name }) => name).join(', ');
  return infos.length === 0 ? 'no input' : `${infos.length} input${infos.length === 1 ? '' : 's'} (${names})`;
}

function elementType({ type }: ValueInfoProto): number | undefined {
  return type?.value.case === 'tensorType' ? type.value.value.elemType : undefined;
}

/** The declared dimensions: numbers, names, or "?"; undefined when none are declared. */
function shapeOf({ type }: ValueInfoProto): Shape {
  if (type?.value.case !== 'tensorType') return undefined;
  return type.value.value.shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue' && value.value > 0n) return Number(value.value);
    return value.case === 'dimParam' && value.value !== '' ? value.value : '?';
  });
}

function describe(shape: Shape): string {
  return shape ? `[${shape.join(', ')}]` : '(undeclared)';
}
