import type { PartialModelCard } from '../catalogue/card.js';
import type { Colours, StatedColours } from '../catalogue/colours.js';
import type { Geometry } from '../catalogue/geometry.js';
import type { BuiltModel, ModelPart, NetworkColours } from '../catalogue/model-parts.js';
import { changed, readModelFile } from '../catalogue/user-file.js';
import { composeChain } from './compose.js';
import { interpolationModel } from './interpolation.js';
import type { NetworkSide } from './inspect.js';
import { normalise, normaliseNetwork, type NormalisedNetwork } from './normalise.js';
import { opsetOf, readOnnx, writeOnnx, type OnnxModel } from './onnx/file.js';
import { TensorProto_DataType as DataType } from './onnx/onnx_pb.js';
import { openModelBytes, openModelFile } from './open-file.js';
import { analyse, type PictureSize } from './receptive-field.js';
import { cutAtPools, sumExactly } from './rewrite/pools.js';
import { rewritePrelu } from './rewrite/prelu.js';
import { trimToCore } from './rewrite/trim.js';

/** A part's graph with the interface of a core. */
interface LoadedPart {
  readonly model: OnnxModel;
  readonly family?: FamilySize;
  /** Of a user's network: how it takes and gives pictures, and whether the user said so. */
  readonly interface?: NetworkColours;
  /** Of a user's network that takes pictures of this size alone. */
  readonly fixedSize?: PictureSize | undefined;
}

const interfaceOfCore = { layout: 'NCHW', channels: 3, type: DataType.FLOAT } as const;

/** What a file or card tells of a network's size: more exact than the graph, which has constants that were never trained. */
type FamilySize = Partial<Pick<Geometry, 'width' | 'logDepth' | 'globalNodeFactor' | 'parameters'>>;

/**
 * Reads the graphs of a model's passes, one after another, and makes one of them, rewritten for speed.
 * @param colours of a user's network, where a trial has found them
 * @throws MODEL_INVALID, MODEL_UNSUPPORTED, MODEL_NOT_FOUND, INPUT_UNREADABLE
 */
export async function buildModel(parts: readonly ModelPart[], colours?: Colours): Promise<BuiltModel> {
  const loaded = new Map<string, LoadedPart>();
  for (const part of parts) if (!loaded.has(part.key)) loaded.set(part.key, await loadPart(part, colours));
  const core = composeChain(parts.map((part) => loaded.get(part.key)!.model));
  const only = parts.length === 1 ? loaded.get(parts[0]!.key) : undefined;
  const reference = writeOnnx(core);
  const { geometry, pools } = analyse(core.graph, opsetOf(core), interfaceOfCore, only?.fixedSize);
  rewritePrelu(core);
  const passes = pools && cutAtPools(core, pools).map(writeOnnx);
  if (pools) sumExactly(core, pools);
  const whole = writeOnnx(core);
  const saved = trim(core, geometry);
  return {
    core: whole,
    reference,
    ...(passes && { passes }),
    ...(saved !== undefined && { trimmed: { core: writeOnnx(core), saved } }),
    geometry: { ...geometry, ...only?.family },
    ...(only?.interface && { colours: only.interface }),
  };
}

/** Rewrites a core, in place, to compute of a tile's halo only what its core needs; see `trimToCore`. */
function trim(core: OnnxModel, { halo, scale, multipleOf }: Geometry): number | undefined {
  if (!halo || scale === undefined || multipleOf > 1) return undefined;
  return trimToCore(core, analyse(core.graph, opsetOf(core), interfaceOfCore), halo, scale);
}

async function loadPart(part: ModelPart, colours: Colours | undefined): Promise<LoadedPart> {
  switch (part.kind) {
    case 'builtin': {
      const { card, path } = part.network;
      const file = await readModelFile(path);
      if (file.sha256 !== card.sha256) throw changed(path);
      return { model: normaliseNetwork(readOnnx(file.bytes, path), card, path) };
    }
    case 'file': {
      const { path, fileKey, card, stated } = part;
      const file = await readModelFile(path);
      if (file.key !== fileKey) throw changed(path);
      const { model, card: own } = await openModelFile(path, file);
      const told = { ...own, ...card };
      const normal = normalise(model, withColours(told, stated, colours), path);
      const { model: core, fixedSize } = normal;
      return { model: core, family: familySize(told), interface: coloursOf(normal, card, stated), fixedSize };
    }
    case 'bytes': {
      const { bytes, name, stated } = part;
      const { model, card: own } = openModelBytes(name, bytes);
      const normal = normalise(model, withColours(own, stated, colours), name);
      return { model: normal.model, interface: coloursOf(normal, {}, stated), fixedSize: normal.fixedSize };
    }
    case 'interpolation':
      return { model: interpolationModel(part.interpolation, part.scale) };
  }
}

/** A card in which what the user said where the network is named, or what a trial found, comes first. */
function withColours(
  card: Partial<PartialModelCard>,
  stated: StatedColours,
  colours: Colours | undefined,
): Partial<PartialModelCard> {
  return {
    ...card,
    input: { ...card.input, ...stated, ...colours?.input },
    output: { ...card.output, ...stated, ...colours?.output },
  };
}

function coloursOf(
  { input, output }: NormalisedNetwork,
  card: Partial<PartialModelCard>,
  stated: StatedColours,
): NetworkColours {
  const told = [card.input, card.output, stated];
  return {
    input: sideOf(input),
    output: sideOf(output),
    stated: told.some((side) => side?.range !== undefined || side?.order !== undefined),
  };
}

const sideOf = ({ range, order, channels, type }: NetworkSide): NetworkColours['input'] => ({
  range,
  order,
  channels,
  whole: type === 'uint8',
});

function familySize({ width, logDepth, globalNodeFactor, parameters }: Partial<PartialModelCard>): FamilySize {
  return {
    ...(width !== undefined && { width }),
    ...(logDepth !== undefined && { logDepth }),
    ...(globalNodeFactor !== undefined && { globalNodeFactor }),
    ...(parameters !== undefined && { parameters }),
  };
}
