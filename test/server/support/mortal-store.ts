import type { Readable } from 'node:stream';
import { FileJobStore } from '#src/server/jobs/file-job-store.js';
import type { JobChange, JobDraft, JobStore } from '#src/server/jobs/job-store.js';
import type { Job } from '#src/server/jobs/job.js';
import type { BytePart } from '#src/storage/storage.js';

/**
 * A store whose process can die: from then on nothing that was asked of it is ever answered. What the disk had begun by then
 * may be there at the next start, or not.
 */
export class MortalStore implements JobStore {
  private dead = false;
  private readonly pending = new Set<Promise<unknown>>();

  private constructor(
    private readonly store: FileJobStore,
    /** Told of every change that was answered. */
    private readonly observe: (job: Job) => void,
  ) {}

  static async open(folder: string, observe: (job: Job) => void): Promise<MortalStore> {
    const store = await FileJobStore.open(folder, (message) => {
      throw new Error(message);
    });
    return new MortalStore(store, observe);
  }

  /** Ends it as a kill would. The folder can be opened again when the promise resolves. */
  async die(): Promise<void> {
    this.dead = true;
    await Promise.allSettled(this.pending);
    await this.store.close();
  }

  async draft(): Promise<JobDraft> {
    const draft = await this.living(() => this.store.draft());
    return {
      addSource: (place, bytes) => this.living(() => draft.addSource(place, bytes)),
      commit: async (job, admit) => {
        const accepted = await this.living(() => draft.commit(job, admit));
        this.observe(accepted);
        return accepted;
      },
      discard: () => this.living(() => draft.discard()),
    };
  }

  get(id: string): Promise<Job | undefined> {
    return this.living(() => this.store.get(id));
  }

  find(client: string, key: string): Promise<Job | undefined> {
    return this.living(() => this.store.find(client, key));
  }

  list(client?: string): Promise<readonly Job[]> {
    return this.living(() => this.store.list(client));
  }

  async update(id: string, change: JobChange): Promise<Job | undefined> {
    const job = await this.living(() => this.store.update(id, change));
    if (job) this.observe(job);
    return job;
  }

  readSource(id: string, place: number): Promise<Uint8Array> {
    return this.living(() => this.store.readSource(id, place));
  }

  writeResult(id: string, place: number, output: number, bytes: Uint8Array): Promise<void> {
    return this.living(() => this.store.writeResult(id, place, output, bytes));
  }

  openResult(id: string, place: number, output: number, part?: BytePart): Promise<Readable | 'damaged' | undefined> {
    return this.living(() => this.store.openResult(id, place, output, part));
  }

  dropSources(id: string): Promise<void> {
    return this.living(() => this.store.dropSources(id));
  }

  dropResults(id: string): Promise<void> {
    return this.living(() => this.store.dropResults(id));
  }

  remove(id: string): Promise<boolean> {
    return this.living(() => this.store.remove(id));
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async living<T>(work: () => Promise<T>): Promise<T> {
    if (this.dead) return never();
    const working = work();
    this.pending.add(working);
    try {
      const answer = await working;
      if (this.isDead()) return await never();
      return answer;
    } catch (error) {
      if (this.isDead()) return await never();
      throw error;
    } finally {
      this.pending.delete(working);
    }
  }

  private isDead(): boolean {
    return this.dead;
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
