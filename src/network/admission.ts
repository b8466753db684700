import { FairQueue, type QueueMember } from './fair-queue.js';

interface Waiting extends QueueMember {
  readonly bytes: number;
  readonly enter: (place: Place) => void;
  readonly arrival: number;
  /** How many that came later went first because this one did not fit. */
  passedBy: number;
}

/** Which part of the memory a request is on. */
type Place = 'budget' | 'spare';

/** A large request lets so many smaller ones pass; then all wait for it. */
const patience = 32;

/**
 * Kept beside the budget for those who hold nothing: so much in all, and so much for each, as shares of the budget. However
 * much one client holds, and for however long, a small request of another's need not wait for it.
 */
const spareShare = 1 / 4;
const sparePart = 1 / 8;

/**
 * Bounds the memory that is in use at once. Requests enter in the order of priority, then by turns of their lanes (the lane
 * that was let in least goes first), then of arrival; one that fits may pass a larger one that does not, up to a point. A
 * request larger than the whole budget enters when nobody is inside but those on the spare part.
 */
export class Admission {
  private used = 0;
  private spareUsed = 0;
  private arrivals = 0;
  /** Requests inside, by lane. */
  private readonly inside = new Map<object, number>();
  private readonly queue = new FairQueue<Waiting>();

  /** @param budget bytes; what is kept spare comes on top */
  constructor(private readonly budget: number) {}

  /**
   * Waits until there is room.
   * @param bytes what the request will hold
   * @param signal ends the waiting; the promise then rejects with the signal's reason
   * @param lane who asks: requests of one lane share its turn; default: one lane for all
   * @returns a function that gives the room back, or all of it but so many bytes; calling it twice does no harm
   */
  async enter(
    bytes: number,
    priority: number,
    signal?: AbortSignal,
    lane: object = this,
  ): Promise<(keep?: number) => void> {
    signal?.throwIfAborted();
    const place = await new Promise<Place>((resolve, reject) => {
      const leave = (): void => {
        this.queue.remove(request);
        reject(signal!.reason as Error);
        this.admit();
      };
      const request: Waiting = {
        bytes,
        priority,
        lane,
        arrival: this.arrivals++,
        passedBy: 0,
        enter: (given) => {
          signal?.removeEventListener('abort', leave);
          resolve(given);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.queue.add(request);
      // Nothing has changed for the others.
      if (this.fits(request) || this.fitsSpare(request)) this.admit();
    });
    let held = bytes;
    let inside = true;
    return (keep = 0) => {
      if (!inside || (keep >= held && keep > 0)) return;
      inside = keep > 0;
      this.count(place, lane, keep - held, inside ? 0 : -1);
      held = keep;
      this.admit();
    };
  }

  private admit(): void {
    for (let next = this.nextIn(); next; next = this.nextIn()) {
      const { request, place } = next;
      this.queue.charge(request, request.bytes);
      this.queue.remove(request);
      this.count(place, request.lane, request.bytes, 1);
      request.enter(place);
    }
  }

  /** Who is to be let in now; those whom it passes take note. */
  private nextIn(): { readonly request: Waiting; readonly place: Place } | undefined {
    const waiting = this.queue.inTurn();
    const patient = waiting.find(isPatient);
    for (const request of waiting) {
      // While somebody large waits for all others to leave, only more urgent ones go first.
      const closed = patient !== undefined && request.priority <= patient.priority && !isPatient(request);
      if (!closed && this.fits(request)) {
        for (const other of waiting) if (isPassed(other, request) && !this.fits(other)) other.passedBy++;
        return { request, place: 'budget' };
      }
      if (this.fitsSpare(request)) return { request, place: 'spare' };
    }
    return undefined;
  }

  /** @param change bytes and requests more than before */
  private count(place: Place, lane: object, change: number, request: 1 | 0 | -1): void {
    if (place === 'spare') this.spareUsed += change;
    else this.used += change;
    const requests = (this.inside.get(lane) ?? 0) + request;
    if (requests > 0) this.inside.set(lane, requests);
    else this.inside.delete(lane);
  }

  private fits({ bytes }: Waiting): boolean {
    return this.used === 0 || this.used + bytes <= this.budget;
  }

  private fitsSpare({ bytes, lane }: Waiting): boolean {
    const { budget } = this;
    return bytes <= budget * sparePart && this.spareUsed + bytes <= budget * spareShare && !this.inside.has(lane);
  }
}

/** Whether it let so many pass that now all wait for it. */
function isPatient({ passedBy }: Waiting): boolean {
  return passedBy >= patience;
}

/** Whether `other` has been waiting for longer and is no less urgent. */
function isPassed(other: Waiting, request: Waiting): boolean {
  return other.arrival < request.arrival && other.priority >= request.priority;
}
