interface Waiting {
  readonly bytes: number;
  readonly priority: number;
  readonly enter: () => void;
  passedBy: number;
}

/** A large request lets so many smaller ones pass; then all wait for it. */
const patience = 32;

/**
 * Bounds the memory that is in use at once. Requests enter in the order of priority and arrival; one that fits may pass a
 * larger one that does not, up to a point. A request larger than the whole budget enters alone.
 */
export class Admission {
  private used = 0;
  private readonly waiting: Waiting[] = [];

  /** @param budget bytes */
  constructor(private readonly budget: number) {}

  /**
   * Waits until there is room.
   * @param bytes what the request will hold
   * @param signal ends the waiting; the promise then rejects with the signal's reason
   * @returns a function that gives the room back; calling it twice does no harm
   */
  async enter(bytes: number, priority: number, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const request: Waiting = {
        bytes,
        priority,
        passedBy: 0,
        enter: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(request), 1);
        reject(signal!.reason as Error);
        this.admit();
      };
      signal?.addEventListener('abort', leave, { once: true });
      const place = this.waiting.findIndex((other) => other.priority < priority);
      this.waiting.splice(place < 0 ? this.waiting.length : place, 0, request);
      this.admit();
    });
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.used -= bytes;
      this.admit();
    };
  }

  private admit(): void {
    for (let place = 0; place < this.waiting.length;) {
      const request = this.waiting[place]!;
      if (this.used === 0 || this.used + request.bytes <= this.budget) {
        this.waiting.splice(place, 1);
        for (const passed of this.waiting.slice(0, place)) passed.passedBy++;
        this.used += request.bytes;
        request.enter();
      } else if (request.passedBy >= patience) {
        return;
      } else {
        place++;
      }
    }
  }
}
