import type { Job } from './job.js';

/** Jobs in memory, found by id, by client and by what their client called the request. */
export class JobIndex {
  private readonly jobs = new Map<string, Job>();
  private readonly byClient = new Map<string, Map<string, Job>>();
  private readonly byRequest = new Map<string, string>();
  private readonly pending = new Set<Job>();

  get(id: string): Job | undefined {
    return this.jobs.get(id);
  }

  find(client: string, key: string): Job | undefined {
    const id = this.byRequest.get(requestName(client, key));
    return id === undefined ? undefined : this.jobs.get(id);
  }

  /** In the order in which they came; all clients' without one. */
  list(client?: string): readonly Job[] {
    return [...(client === undefined ? this.jobs : (this.byClient.get(client) ?? new Map<string, Job>())).values()];
  }

  /** Adds a job, or takes its newer form. */
  set(job: Job): void {
    this.jobs.set(job.id, job);
    const own = this.byClient.get(job.client) ?? new Map<string, Job>();
    this.byClient.set(job.client, own.set(job.id, job));
    if (job.request) this.byRequest.set(requestName(job.client, job.request.key), job.id);
  }

  delete(id: string): void {
    const job = this.jobs.get(id);
    if (!job) return;
    this.jobs.delete(id);
    const own = this.byClient.get(job.client);
    own?.delete(id);
    if (own?.size === 0) this.byClient.delete(job.client);
    if (job.request) this.byRequest.delete(requestName(job.client, job.request.key));
  }

  /**
   * Counts a job that is being written already.
   * @returns a function to call when it is there, or has failed to be
   */
  expect(job: Job): () => void {
    this.pending.add(job);
    return () => this.pending.delete(job);
  }

  /** A client's jobs, those included that are being written. */
  withPending(client: string): readonly Job[] {
    return [...this.list(client), ...[...this.pending].filter((job) => job.client === client)];
  }
}

/** Clients' ids have no spaces, so no two of these are equal by chance. */
const requestName = (client: string, key: string): string => `${client} ${key}`;
