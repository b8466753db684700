/** Whoever wants to hear of jobs, by the jobs' ids. */
export class Listeners {
  private readonly listeners = new Map<string, Set<() => void>>();

  /** @returns a function that ends it */
  add(id: string, listener: () => void): () => void {
    const own = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, own.add(listener));
    return () => {
      own.delete(listener);
      if (own.size === 0 && this.listeners.get(id) === own) this.listeners.delete(id);
    };
  }

  tell(id: string): void {
    for (const listener of this.listeners.get(id) ?? []) listener();
  }

  tellAll(): void {
    for (const id of this.listeners.keys()) this.tell(id);
  }
}
