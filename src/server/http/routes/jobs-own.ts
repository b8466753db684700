import type { Client } from '../../service/client.js';
import type { JobStore } from '../../jobs/job-store.js';
import type { Job } from '../../jobs/job.js';
import { Problem } from '../problem.js';

/**
 * A client's own job. Another client's is as if it were not there: not even that it exists is said.
 * @throws Problem NOT_FOUND
 */
export async function ownJob(store: JobStore, client: Client, id: string): Promise<Job> {
  const job = await store.get(id);
  if (job?.client === client.id) return job;
  throw new Problem(404, 'NOT_FOUND', 'you have no such job; it may have been removed when its time was over');
}
