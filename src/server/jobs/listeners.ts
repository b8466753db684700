/**
 * Hears that a job has changed, or come further.
 * @param isOpen whether that was no end; left out where it may have been one
 */
export type JobListener = (isOpen?: boolean) => void;

/** Whoever wants to hear of jobs, by the jobs' ids. */
export class Listeners {
  private readonly listeners = new Map<string, Set<JobListener>>();

  /** @returns a function that ends it */
  add(id: string, listener: JobListener): () => void {
    const own = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, own.add(listener));
    return () => {
      own.delete(listener);
      if (own.size === 0 && this.listeners.get(id) === own) this.listeners.delete(id);
    };
  }

  tell(id: string, isOpen?: boolean): void {
    for (const listener of this.listeners.get(id) ?? []) listener(isOpen);
  }

  tellAll(): void {
    for (const id of this.listeners.keys()) this.tell(id);
  }
}
