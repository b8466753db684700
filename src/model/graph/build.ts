import type { PartialModelCard } from '../catalogue/card.js';
import type { Geometry } from '../catalogue/geometry.js';
import type { BuiltModel, ModelPart } from '../catalogue/model-parts.js';
import { changed, readModelFile } from '../catalogue/user-file.js';
import { composeChain } from './compose.js';
import { interpolationModel } from './interpolation.js';
import { normaliseNetwork } from './normalise.js';
import { embedExternalData } from './onnx/external-data.js';
import { opsetOf, readOnnx, writeOnnx, type OnnxModel } from './onnx/file.js';
import { TensorProto_DataType as DataType } from './onnx/onnx_pb.js';
import { openModelFile } from './open-file.js';
import { analyse } from './receptive-field.js';
import { rewritePrelu } from './rewrite/prelu.js';

/** A part's graph with the interface of a core. */
interface LoadedPart {
  readonly model: OnnxModel;
  readonly family?: FamilySize;
}

/** What a file or card tells of a network's size: more exact than the graph, which has constants that were never trained. */
type FamilySize = Partial<Pick<Geometry, 'width' | 'logDepth' | 'globalNodeFactor' | 'parameters'>>;

/**
 * Reads the graphs of a model's passes, one after another, and makes one of them, rewritten for speed.
 * @throws MODEL_INVALID, MODEL_UNSUPPORTED, MODEL_NOT_FOUND, INPUT_UNREADABLE
 */
export async function buildModel(parts: readonly ModelPart[]): Promise<BuiltModel> {
  const loaded = new Map<string, LoadedPart>();
  for (const part of parts) if (!loaded.has(part.key)) loaded.set(part.key, await loadPart(part));
  const core = composeChain(parts.map((part) => loaded.get(part.key)!.model));
  const family = parts.length === 1 ? loaded.get(parts[0]!.key)?.family : undefined;
  const reference = writeOnnx(core);
  const { geometry } = analyse(core.graph, opsetOf(core), { layout: 'NCHW', channels: 3, type: DataType.FLOAT });
  rewritePrelu(core);
  return { core: writeOnnx(core), reference, geometry: { ...geometry, ...family } };
}

async function loadPart(part: ModelPart): Promise<LoadedPart> {
  switch (part.kind) {
    case 'builtin': {
      const { card, path } = part.network;
      const file = await readModelFile(path);
      if (file.sha256 !== card.sha256) throw changed(path);
      return { model: normaliseNetwork(readOnnx(file.bytes, path), card, path) };
    }
    case 'file': {
      const { path, fileKey, card } = part;
      const file = await readModelFile(path);
      if (file.key !== fileKey) throw changed(path);
      const { model, card: own } = await openModelFile(path, file);
      const told = { ...own, ...card };
      return { model: normaliseNetwork(model, told, path), family: familySize(told) };
    }
    case 'bytes': {
      const { bytes, name } = part;
      const model = readOnnx(bytes, name);
      embedExternalData(model, new Map(), name);
      return { model: normaliseNetwork(model, {}, name) };
    }
    case 'interpolation':
      return { model: interpolationModel(part.interpolation, part.scale) };
  }
}

function familySize({ width, logDepth, globalNodeFactor, parameters }: Partial<PartialModelCard>): FamilySize {
  return {
    ...(width !== undefined && { width }),
    ...(logDepth !== undefined && { logDepth }),
    ...(globalNodeFactor !== undefined && { globalNodeFactor }),
    ...(parameters !== undefined && { parameters }),
  };
}
