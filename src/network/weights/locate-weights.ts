import type { ModelSource, WeightsLocation } from '../pool/protocol.js';
import type { ThreadPool } from '../pool/thread-pool.js';
import type { MeasuredGeometry } from './weights-manifest.js';
import { WeightsStore } from './weights-store.js';
import { messageOf } from '../../errors.js';

export interface LocatedWeights {
  readonly geometry: MeasuredGeometry;
  readonly location: WeightsLocation;
}

let warnedOfCopies = false;

/**
 * Finds a network's prepared weights, or has them prepared. Where that fails for the folder's sake (not writable, full,
 * swept away meanwhile), threads get copies; where it fails for the network's own, so does the second try.
 */
export async function locateWeights(
  pool: ThreadPool,
  source: ModelSource,
  key: string,
  cacheFolder: string | undefined,
): Promise<LocatedWeights> {
  const store = new WeightsStore(cacheFolder);
  const found = await store.find(key);
  if (found) return mapped(found);

  let trouble: unknown;
  try {
    const draft = await store.createDraft();
    try {
      await pool.prepare({ kind: 'prepare', source, key, folder: draft });
      await store.publish(draft, key);
    } catch (error) {
      await store.discard(draft);
      throw error;
    }
    const published = await store.find(key);
    if (published) return mapped(published);
    trouble = new Error('what was written there is gone or damaged');
  } catch (error) {
    trouble = error;
  }
  const { geometry, core } = await pool.prepare({ kind: 'prepare', source, key, folder: undefined });
  warnOfCopies(trouble);
  return { geometry, location: { kind: 'copied', core: core! } };
}

function mapped(found: NonNullable<Awaited<ReturnType<WeightsStore['find']>>>): LocatedWeights {
  return { geometry: found.manifest.geometry, location: { kind: 'mapped', folder: found.folder } };
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
