import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessorDevice } from '../device.js';
import type { ModelSource, WeightsLocation } from '../pool/protocol.js';
import type { WasmModule } from '../pool/web-assembly.js';
import type { ThreadPool } from '../pool/thread-pool.js';
import { coreName, passCount, passName, type MeasuredGeometry } from './weights-manifest.js';
import { defaultCacheFolder } from './cache-folder.js';
import { WeightsStore } from './weights-store.js';
import { hasCode, messageOf, UpresError } from '../../errors.js';

export interface LocatedWeights {
  readonly geometry: MeasuredGeometry;
  readonly location: WeightsLocation;
}

let warnedOfCopies = false;

/** Networks whose users were told what they should know, by their keys. */
const told = new Set<string>();

/** What is being looked for or prepared now, by folder and network. */
const underWay = new Map<string, Promise<LocatedWeights>>();

/**
 * Finds a network's prepared weights, or has them prepared: once for all who load it at the same time. Where the folder can't be
 * used (not writable, full, swept away meanwhile), threads get copies.
 * @throws what is wrong with the network
 */
export function locateWeights(
  pool: ThreadPool,
  source: ModelSource,
  key: string,
  device: ProcessorDevice,
  cacheFolder = defaultCacheFolder(),
): Promise<LocatedWeights> {
  const slot = `${cacheFolder} ${device} ${key}`;
  const known = underWay.get(slot);
  if (known) return known;
  const store = new WeightsStore(cacheFolder, device);
  const locating = locate(pool, source, key, device, store)
    .then((found) => {
      if (!told.has(key)) tell(source, found.geometry);
      told.add(key);
      return found;
    })
    .finally(() => underWay.delete(slot));
  underWay.set(slot, locating);
  return locating;
}

async function locate(
  pool: ThreadPool,
  source: ModelSource,
  key: string,
  device: ProcessorDevice,
  store: WeightsStore,
): Promise<LocatedWeights> {
  const wasm = await pool.loadBinary(device);
  const found = await store.find(key);
  if (found) return located(found, wasm);

  let problem: unknown;
  try {
    const draft = await store.createDraft();
    try {
      await pool.prepare({ kind: 'prepare', source, key, folder: draft, wasm });
      await store.publish(draft, key);
    } catch (error) {
      await store.discard(draft);
      throw error;
    }
    const published = await store.find(key);
    if (published) return await located(published, wasm);
    problem = new Error('what was written there is gone or damaged');
  } catch (error) {
    // Of ours only one is about the folder: with the others the network would fail again.
    if (error instanceof UpresError && !hasCode(error, 'OUTPUT_UNWRITABLE')) throw error;
    problem = error;
  }
  const { geometry, core, passes = [] } = await pool.prepare({ kind: 'prepare', source, key, folder: undefined, wasm });
  if (!wasm) warnOfCopies(problem);
  return { geometry, location: { kind: 'copied', core: core!, passes, wasm } };
}

async function located(
  { folder, manifest: { geometry } }: NonNullable<Awaited<ReturnType<WeightsStore['find']>>>,
  wasm: WasmModule | undefined,
): Promise<LocatedWeights> {
  if (!wasm) return { geometry, location: { kind: 'mapped', folder } };
  const passNames = Array.from({ length: passCount(geometry) }, (_, pass) => passName(pass));
  const [core, ...passes] = await Promise.all([coreName, ...passNames].map((name) => readFile(join(folder, name))));
  return { geometry, location: { kind: 'copied', core: core!, passes, wasm } };
}

function tell(source: ModelSource, { notes = [] }: MeasuredGeometry): void {
  const name =
    source.kind === 'label' ? source.label : source.kind === 'file' ? source.path : (source.name ?? 'network');
  for (const note of notes) {
    process.emitWarning(`${name}: ${note}`, { type: 'UpresWarning', code: 'UPRES_NETWORK_NOTE' });
  }
}

function warnOfCopies(error: unknown): void {
  if (warnedOfCopies) return;
  warnedOfCopies = true;
  const reason = messageOf(error);
  process.emitWarning(
    `each thread loads its own copy of the weights, because the cache folder can't be used: ${reason}`,
    {
      type: 'UpresWarning',
      code: 'UPRES_WEIGHTS_COPIED',
    },
  );
}
