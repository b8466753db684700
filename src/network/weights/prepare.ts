import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { messageOf, UpresError } from '../../errors.js';
import type { ProcessorDevice } from '../device.js';
import type { Geometry } from '../../model/catalogue/geometry.js';
import type { SegmentPlan } from '../../model/catalogue/segment-names.js';
import type { Model } from '../../model/catalogue/model.js';
import type { BuiltModel } from '../../model/catalogue/model-parts.js';
import { readOnnx, writeOnnx } from '../../model/graph/onnx/file.js';
import { wrapPixels } from '../../model/graph/pixels.js';
import { keepBlocks } from '../../model/graph/rewrite/blocked.js';
import { cutIntoSegments } from '../../model/graph/rewrite/segments.js';
import { graphFileName } from '../tiles/compute-buffer.js';
import type { Prepared, PrepareOrder } from '../pool/protocol.js';
import { resolveModel } from './resolve-model.js';
import { mappingOptions, optimisingOptions, writingOptions, type SessionRuntime } from '../pool/runtime.js';
import { runtimeFor } from '../pool/session-runtime.js';
import { runOnPlane, type Plane } from '../proving.js';
import { inFixedSize } from './planes.js';
import { ROUNDING } from '../approximate.js';
import { findColours, type FoundColours } from './colour-trial.js';
import { arePassesEqual } from './pooling-trial.js';
import { largestProduct } from './largest-product.js';
import { hasLongTiles, provenSegments } from './segments-trial.js';
import { measureGeometry } from './trial.js';
import { tryTrimmed } from './trimming-trial.js';
import {
  coreName,
  manifestName,
  passName,
  segmentsName,
  trimmedName,
  writeManifest,
  type MeasuredGeometry,
} from './weights-manifest.js';

/**
 * Makes a network ready for this processor: builds its graph, has the runtime optimise it, proves that the result still
 * computes the same, measures its geometry in a trial run, and writes one graph for each kind of pixels around one file of
 * weights. Runs in a thread, since it enters the runtime.
 * @throws MODEL_INVALID, MODEL_UNSUPPORTED, INFERENCE_FAILED; OUTPUT_UNWRITABLE where only the folder is to blame
 */
export async function prepareWeights(order: PrepareOrder): Promise<Prepared> {
  const runtime = await runtimeFor(order.wasm);
  const model = await resolveModel(order.source);
  if (model.key !== order.key) {
    throw new UpresError('MODEL_INVALID', 'the model file changed while it was being read: try again');
  }
  const device = order.wasm ? 'wasm' : 'cpu';
  const { core, found, ...built } = await buildInItsColours(runtime, device, model);

  const { passes = [], trimmed } = built;
  if (order.folder === undefined || order.wasm) {
    const cut = cutIntoSegments(readOnnx(core));
    const segments = cut && { ...cut, graph: writeOnnx(cut.model) };
    const graphs = { core, passes, trimmed: trimmed?.core, segments };
    const measured = await proveAndMeasure(runtime, device, built, graphs, found);
    const usedCore = measured.segments ? segments!.graph : measured.trimmed === undefined ? core : trimmed!.core;
    const used = measured.pooling ? passes : [];
    if (order.folder !== undefined) await writeCores(order.folder, usedCore, used, measured);
    return { geometry: measured, core: usedCore, passes: used };
  }
  const corePath = join(order.folder, coreName);
  const trimmedPath = trimmed && join(order.folder, trimmedName);
  try {
    await mkdir(order.folder, { recursive: true, mode: 0o700 });
    await writeOptimised(runtime, core, corePath);
    if (trimmedPath !== undefined) await writeOptimised(runtime, trimmed!.core, trimmedPath);
    const passPaths = passes.map((_, pass) => join(order.folder!, passName(pass)));
    for (const [pass, path] of passPaths.entries()) await writeOptimised(runtime, passes[pass]!, path);
    // Of the optimised graph, in which nothing is left to fuse across a cut.
    const cut = cutIntoSegments(readOnnx(await readFile(corePath)));
    const segments = cut && { ...cut, graph: join(order.folder, segmentsName) };
    if (cut) await writeFile(segments!.graph, writeOnnx(cut.model), { mode: 0o600 });
    const paths = { core: corePath, passes: passPaths, trimmed: trimmedPath, segments };
    const measured = await proveAndMeasure(runtime, device, built, paths, found);
    const [usedPath, otherPath] = measured.trimmed === undefined ? [corePath, trimmedPath] : [trimmedPath!, corePath];
    await writeGraphs(order.folder, measured.segments ? segments!.graph : usedPath, undefined);
    if (segments) await rm(segments.graph);
    if (otherPath !== undefined) await removeOptimised(otherPath);
    for (const [pass, path] of passPaths.entries()) {
      if (measured.pooling) await writeGraphs(order.folder, path, pass);
      else await removeOptimised(path);
    }
    await seal(order.folder, measured);
    return { geometry: measured, core: undefined };
  } catch (cause) {
    if (cause instanceof UpresError && existsSync(corePath)) throw cause;
    // The network can be used without the folder, unless this throws.
    const session = await openSession(() => runtime.InferenceSession.create(core, optimisingOptions('cpu')));
    await session.release();
    throw new UpresError('OUTPUT_UNWRITABLE', messageOf(cause), { cause });
  }
}

/** The runtime in WebAssembly reads no files: threads get the graph, and optimise it themselves. */
async function writeCores(
  folder: string,
  core: Uint8Array,
  passes: readonly Uint8Array[],
  measured: MeasuredGeometry,
): Promise<void> {
  try {
    await writeFile(join(folder, coreName), core, { mode: 0o600 });
    for (const [pass, graph] of passes.entries()) await writeFile(join(folder, passName(pass)), graph, { mode: 0o600 });
    await seal(folder, measured);
  } catch (cause) {
    throw new UpresError('OUTPUT_UNWRITABLE', messageOf(cause), { cause });
  }
}

/** Has the runtime write the graph as it runs it, and its weights next to it; of what it does without need some is taken out. */
async function writeOptimised(runtime: SessionRuntime, core: Uint8Array, path: string): Promise<void> {
  const options = writingOptions(path, `${basename(path)}.data`);
  const optimiser = await openSession(() => runtime.InferenceSession.create(core, options));
  await optimiser.release();
  const optimised = readOnnx(await readFile(path));
  if (keepBlocks(optimised.graph)) await writeFile(path, writeOnnx(optimised));
}

async function removeOptimised(path: string): Promise<void> {
  for (const name of [path, `${path}.data`]) await rm(name, { force: true });
}

/**
 * Builds a model's graph. A user's network is tried on pictures first: where it clearly has other colours than it was taken for, it
 * is built with these.
 */
async function buildInItsColours(
  runtime: SessionRuntime,
  device: ProcessorDevice,
  model: Model,
): Promise<BuiltModel & { found: FoundColours }> {
  const built = await model.build();
  if (!built.colours) return { ...built, found: {} };
  const session = await openReference(runtime, device, built.reference);
  let found: FoundColours;
  try {
    const { fixedSize } = built.geometry;
    const run = (plane: Plane): Promise<Plane> => runOnPlane(runtime, session, plane);
    found = await findColours(
      fixedSize ? inFixedSize(run, fixedSize) : run,
      built.colours,
      pictureSide(built.geometry),
    );
  } finally {
    await session.release();
  }
  return { ...(found.colours ? await model.build(found.colours) : built), found };
}

/** Side of the pictures that a network's colours are tried on. */
function pictureSide({ multipleOf, macPerPixel, fixedSize }: Geometry): number {
  const side = macPerPixel > 2e6 ? 32 : 64;
  if (fixedSize) return Math.min(side, fixedSize.width, fixedSize.height);
  return Math.ceil(side / multipleOf) * multipleOf;
}

function openReference(
  runtime: SessionRuntime,
  device: ProcessorDevice,
  reference: Uint8Array,
): Promise<InferenceSession> {
  return openSession(() =>
    runtime.InferenceSession.create(reference, { ...optimisingOptions(device), graphOptimizationLevel: 'basic' }),
  );
}

/** The graphs of a network: bytes, or where the optimised ones lie. */
interface BuiltGraphs {
  readonly core: Uint8Array | string;
  readonly passes: readonly (Uint8Array | string)[];
  readonly trimmed: Uint8Array | string | undefined;
  readonly segments: (SegmentPlan & { readonly graph: Uint8Array | string }) | undefined;
}

async function proveAndMeasure(
  runtime: SessionRuntime,
  device: ProcessorDevice,
  { reference, geometry, colours, trimmed }: Omit<BuiltModel, 'core'>,
  graphs: BuiltGraphs,
  found: FoundColours,
): Promise<MeasuredGeometry> {
  const open = (graph: Uint8Array | string): Promise<InferenceSession> =>
    openSession(() =>
      typeof graph === 'string'
        ? runtime.InferenceSession.create(graph, mappingOptions())
        : runtime.InferenceSession.create(graph, optimisingOptions(device)),
    );
  const original = await openReference(runtime, device, reference);
  try {
    const optimised = await open(graphs.core);
    try {
      const level = colours?.output.whole ? 1 / 255 : 0;
      let measured = await measureGeometry(runtime, original, optimised, geometry, level, () =>
        largestProduct(runtime, device, reference, geometry.multipleOf),
      );
      if (!(await arePassesEqual(runtime, optimised, (pass) => open(graphs.passes[pass]!), measured)))
        measured = { ...measured, pooling: undefined };
      if (trimmed && measured.halo && !measured.approximation) {
        const session = await open(graphs.trimmed!);
        try {
          const pixelsPerMs = await tryTrimmed(runtime, optimised, session, measured, trimmed.saved);
          if (pixelsPerMs !== undefined) measured = { ...measured, trimmed: trimmed.saved, pixelsPerMs };
        } finally {
          await session.release();
        }
      }
      if (graphs.segments && hasLongTiles(measured)) {
        const { graph } = graphs.segments;
        // A runtime that can't load it has the whole.
        const session = await open(graph).catch(() => undefined);
        if (session) {
          const segments = await provenSegments(runtime, optimised, session, graphs.segments, measured);
          if (segments) measured = { ...measured, segments };
          await session.release();
        }
      }
      const notes = [found.note, approximationNote(measured)].filter((note) => note !== undefined);
      return { ...measured, ...(found.colours && { colours: found.colours }), ...(notes.length > 0 && { notes }) };
    } finally {
      await optimised.release();
    }
  } finally {
    await original.release();
  }
}

async function openSession(create: () => Promise<InferenceSession>): Promise<InferenceSession> {
  try {
    return await create();
  } catch (cause) {
    throw new UpresError('MODEL_UNSUPPORTED', `the runtime can't load this network: ${messageOf(cause)}`, { cause });
  }
}

async function writeGraphs(folder: string, corePath: string, pass: number | undefined): Promise<void> {
  const core = await readFile(corePath);
  for (const type of ['uint8', 'uint16', 'float32'] as const) {
    for (const channels of [1, 3] as const) {
      const path = join(folder, graphFileName(type, channels, pass));
      await writeFile(path, wrapPixels(core, type, channels), { mode: 0o600 });
    }
  }
}

/** Writes down what the folder's files are; from then on they are not changed. */
async function seal(folder: string, geometry: MeasuredGeometry): Promise<void> {
  const files: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort()) {
    files[name] = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
  }
  await writeFile(join(folder, manifestName), writeManifest(geometry, files), { mode: 0o600 });
}

/** What is to be known of a network whose tiles only come near the whole. */
function approximationNote({
  halo,
  pooling,
  approximation,
  globalOperators,
  fixedSize,
}: MeasuredGeometry): string | undefined {
  if (!approximation || pooling) return undefined;
  const { levels } = approximation;
  if (fixedSize) {
    const seams =
      levels !== undefined && levels <= 1 ? '' : ', and where that leaves seams, only if acceptApproximation is set';
    return `it was exported for pictures of ${fixedSize.width}×${fixedSize.height} pixels alone: others are computed in tiles of that size${seams}. Export it with dynamic height and width ("dynamic_axes") to have it faster.`;
  }
  if (levels !== undefined && levels < ROUNDING) return undefined;
  const by =
    levels === undefined
      ? 'by an amount that was not measured'
      : `by up to ${levels.toFixed(1)} of 255 levels on a trial`;
  const around = `with ${approximation.halo} pixels of context, which differ from the whole ${by}`;
  if (halo || (levels !== undefined && levels <= 1))
    return `it looks far around: large pictures are computed in tiles ${around}`;
  return `it looks at the whole picture (${globalOperators.join(', ')}): large ones are refused unless acceptApproximation is set; then they are computed in tiles ${around}`;
}
