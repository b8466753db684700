import { createHash } from 'node:crypto';
import path from 'node:path';
import type { PartialModelCard } from '../model/catalogue/card.js';
import { inspectNetwork } from '../model/graph/inspect.js';
import { opsetOf, writeOnnx } from '../model/graph/onnx/file.js';
import { analyse } from '../model/graph/receptive-field.js';
import { TensorProto_DataType as DataType } from '../model/graph/onnx/onnx_pb.js';
import { readModelFile, readUserCard } from '../model/catalogue/user-file.js';
import { openModelFile } from '../model/graph/open-file.js';
import { defaultCacheFolder } from '../network/weights/cache-folder.js';
import { Ledger } from './ledger.js';
import { checkOutput, writeOutput } from './write-output.js';

/** What the command prints about a network. */
export interface ImportFacts {
  readonly format: string;
  readonly scale: number | undefined;
  readonly channels: 1 | 3;
  /** What stands for white in its input. */
  readonly range: number;
  readonly parameters: number;
  /** Input pixels on each side that an output pixel depends on; undefined where that is the whole picture or unknown. */
  readonly receptiveRadius: number | undefined;
  readonly globalOperators: readonly string[];
  readonly notes: readonly string[];
}

/** A network in ONNX with its card, not yet written. */
export interface Converted {
  readonly onnx: Uint8Array;
  readonly card: string;
  readonly facts: ImportFacts;
  /** Whether a card is that of an earlier conversion of the same name. */
  readonly previous: (text: string) => boolean;
}

const ELEMENTS = { float32: DataType.FLOAT, float16: DataType.FLOAT16, uint8: DataType.UINT8 } as const;

/**
 * Converts a file and follows its graph, as it would be when the network is used.
 * @param name the ONNX file's name, for the card
 * @throws MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED, INPUT_UNREADABLE
 */
export async function convertFile(file: string, name: string): Promise<Converted> {
  const read = await readModelFile(file);
  const own = await readUserCard(file, read.sha256);
  const { model, card: told } = await openModelFile(file, read);
  const card: Partial<PartialModelCard> = { ...told, ...own };
  const onnx = writeOnnx(model);
  const { input, output, fixedSize } = inspectNetwork(model, card, file);
  const { geometry } = analyse(model.graph, opsetOf(model), { ...input, type: ELEMENTS[input.type] }, fixedSize);
  const { halo, globalOperators } = geometry;
  const parameters = card.parameters ?? geometry.parameters;
  const radius = halo && Math.max(halo.left, halo.top, halo.right, halo.bottom);
  const label = path.basename(name, path.extname(name));
  const format = read.format?.name ?? 'ONNX';
  const full = {
    label: card.label ?? label,
    scale: geometry.scale,
    display: card.display ?? card.label ?? label,
    for: card.for ?? '',
    licence: card.licence ?? 'unknown',
    author: card.author ?? 'unknown',
    source: `${card.source ?? format}; ${path.basename(file)}, SHA-256 ${read.sha256}`,
    file: name,
    sha256: createHash('sha256').update(onnx).digest('hex'),
    input,
    output,
    receptiveRadius: radius,
    multipleOf: geometry.multipleOf,
    macPerPixel: geometry.macPerPixel,
    parameters,
    width: card.width,
    logDepth: card.logDepth,
    globalNodeFactor: card.globalNodeFactor,
    notes: card.notes,
  };
  return {
    onnx,
    card: `${JSON.stringify(full, undefined, 2)}\n`,
    previous: (text) => isCardOf(text, name),
    facts: {
      format,
      scale: geometry.scale,
      channels: input.channels,
      range: input.range[1],
      parameters,
      receptiveRadius: radius,
      globalOperators,
      notes: card.notes ?? [],
    },
  };
}

function isCardOf(text: string, name: string): boolean {
  try {
    const card = JSON.parse(text) as { file?: unknown; sha256?: unknown } | null;
    return card?.file === name && typeof card.sha256 === 'string';
  } catch {
    return false;
  }
}

export interface WriteConverted {
  readonly output: string;
  readonly cardPath: string;
  /** Also replace files that upres did not write. */
  readonly overwrite: boolean;
}

/**
 * Writes both files, each whole or not at all; the card first, since without it the network could be taken for another.
 * @throws OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function writeConverted(
  { onnx, card }: Converted,
  { output, cardPath, overwrite }: WriteConverted,
): Promise<void> {
  const options = { ledger: new Ledger(defaultCacheFolder()), overwrite, makeFolder: false };
  await checkOutput(output, onnx, options);
  await writeOutput(cardPath, new TextEncoder().encode(card), options);
  await writeOutput(output, onnx, options);
}
