import type { JobStore } from './job-store.js';
import type { Job } from './job.js';

/** Removes what a job that has ended needs no more. What stays behind is removed at the next start. */
export async function dropWhatEnded(store: JobStore, job: Job): Promise<void> {
  await store.dropSources(job.id).catch(() => undefined);
  if (job.state === 'cancelled') await store.dropResults(job.id).catch(() => undefined);
}
