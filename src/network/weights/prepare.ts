import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { messageOf, UpresError } from '../../errors.js';
import type { ProcessorDevice } from '../device.js';
import type { Geometry } from '../../model/catalogue/geometry.js';
import { wrapPixels } from '../../model/graph/pixels.js';
import { graphFileName } from '../tiles/compute-buffer.js';
import type { Prepared, PrepareOrder } from '../pool/protocol.js';
import { resolveModel } from './resolve-model.js';
import { mappingOptions, optimisingOptions, writingOptions, type SessionRuntime } from '../pool/runtime.js';
import { runtimeFor } from '../pool/session-runtime.js';
import { measureGeometry } from './trial.js';
import { coreName, manifestName, writeManifest, type MeasuredGeometry } from './weights-manifest.js';

/** Name of the file of weights that all graphs of a network share. */
const weightsName = 'weights.data';

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
  const { core, reference, geometry } = await model.build();

  if (order.folder === undefined || order.wasm) {
    const device = order.wasm ? 'wasm' : 'cpu';
    const measured = await proveAndMeasure(runtime, device, reference, core, geometry);
    if (order.folder !== undefined) await writeCore(order.folder, core, measured);
    return { geometry: measured, core };
  }
  const corePath = join(order.folder, coreName);
  try {
    await mkdir(order.folder, { recursive: true, mode: 0o700 });
    await writeOptimised(runtime, core, corePath);
    const measured = await proveAndMeasure(runtime, 'cpu', reference, corePath, geometry);
    await writeGraphs(order.folder, corePath);
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
async function writeCore(folder: string, core: Uint8Array, measured: MeasuredGeometry): Promise<void> {
  try {
    await writeFile(join(folder, coreName), core, { mode: 0o600 });
    await seal(folder, measured);
  } catch (cause) {
    throw new UpresError('OUTPUT_UNWRITABLE', messageOf(cause), { cause });
  }
}

/** Has the runtime write the graph as it runs it, and its weights next to it. */
async function writeOptimised(runtime: SessionRuntime, core: Uint8Array, corePath: string): Promise<void> {
  const optimiser = await openSession(() =>
    runtime.InferenceSession.create(core, writingOptions(corePath, weightsName)),
  );
  await optimiser.release();
}

async function proveAndMeasure(
  runtime: SessionRuntime,
  device: ProcessorDevice,
  reference: Uint8Array,
  core: Uint8Array | string,
  geometry: Geometry,
): Promise<MeasuredGeometry> {
  const original = await openSession(() =>
    runtime.InferenceSession.create(reference, { ...optimisingOptions(device), graphOptimizationLevel: 'basic' }),
  );
  try {
    const optimised = await openSession(() =>
      typeof core === 'string'
        ? runtime.InferenceSession.create(core, mappingOptions())
        : runtime.InferenceSession.create(core, optimisingOptions(device)),
    );
    try {
      return await measureGeometry(runtime, original, optimised, geometry);
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

async function writeGraphs(folder: string, corePath: string): Promise<void> {
  const core = await readFile(corePath);
  for (const type of ['uint8', 'uint16', 'float32'] as const) {
    for (const channels of [1, 3] as const) {
      await writeFile(join(folder, graphFileName(type, channels)), wrapPixels(core, type, channels), { mode: 0o600 });
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
