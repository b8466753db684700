import { revive } from '../jobs/job-changes.js';
import { openFarm, type Farm } from './farm.js';

/** An image that was given up, since it was begun again and again without an end. */
export interface DeadLetter {
  readonly job: string;
  readonly place: number;
  readonly since: Date;
  /** What was said of it; absent where its job is gone. */
  readonly detail?: string;
}

/** What the owner of a farm may do with images that were given up. */
export class DeadLetters {
  private constructor(private readonly farm: Farm) {}

  /** @throws as `openFarm` */
  static async open(queue: string, storage: string, warn: (message: string) => void): Promise<DeadLetters> {
    return new DeadLetters(await openFarm({ queue, storage, atOnce: 1, warn }));
  }

  /** Oldest first. */
  async list(): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for (const { id, place, since } of await this.farm.queue.dead()) {
      const image = (await this.farm.store.get(id))?.images[place];
      letters.push({ job: id, place, since, ...(image?.state === 'failed' && { detail: image.problem.detail }) });
    }
    return letters;
  }

  /**
   * Has an image computed again, as if it had just come: its job has not ended then.
   * @returns false where its job, or its source, is gone
   */
  async retry({ job: id, place }: Pick<DeadLetter, 'job' | 'place'>): Promise<boolean> {
    const { store, queue } = this.farm;
    const source = await store.readSource(id, place).catch(() => undefined);
    const job = source && (await store.update(id, (known) => revive(known, place)));
    await queue.bury(id, place);
    if (job) await queue.offer(job, { id: job.client });
    return job !== undefined;
  }

  /** Takes an image off the list; that it has failed stays so. */
  async drop({ job, place }: Pick<DeadLetter, 'job' | 'place'>): Promise<void> {
    await this.farm.queue.bury(job, place);
    await this.farm.store.dropSource(job, place);
  }

  /** How many images wait, are computed, rest, and were given up. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    return this.farm.queue.counts();
  }

  close(): Promise<void> {
    return this.farm.close();
  }
}
