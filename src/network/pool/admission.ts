import { FairQueue, type QueueMember } from './fair-queue.js';
import { abortedBy, onAbort, throwIfAborted } from '../../abort.js';

interface Waiting extends QueueMember {
  readonly grant: (place: Place) => void;
  /** How many went before it because it did not fit. */
  passedBy: number;
}

/** Which part of the memory a request is on. */
type Place = 'budget' | 'spare';

/** This many smaller requests may overtake a large one; then all wait for it. */
const mostOvertakes = 32;

/**
 * Reserved on top of the budget for lanes that hold nothing: in all, and for each, as shares of the budget. However
 * much one client holds, and for however long, a small request of another's need not wait for it.
 */
const spareShare = 1 / 4;
const sparePart = 1 / 8;

/**
 * Bounds the memory that is in use at once. Requests enter in the order of priority, then by turns of their lanes (the lane
 * that was let in least goes first), then of arrival; one that fits may pass the first one that does not, up to a point. A
 * request larger than the whole budget enters when only requests on the spare part are inside.
 */
export class Admission {
  private used = 0;
  private spareUsed = 0;
  /** Requests inside, by lane. */
  private readonly inside = new Map<object, number>();
  private readonly queue = new FairQueue<Waiting>((request) => this.kindOf(request));
  /** One that was overtaken so often that now all wait for it. */
  private overtaken: Waiting | undefined;
  private readonly kinds = new WeakMap<object, Map<number, object>>();

  /** @param budget bytes; what is kept spare comes on top */
  constructor(private readonly budget: number) {}

  /**
   * Waits until there is room.
   * @param bytes what the request will hold
   * @param signal ends the waiting; ABORTED
   * @param lane the caller: requests of one lane share its turn; default: one lane for all
   * @returns a function that gives the room back, or all of it but `keep` bytes; calling it twice does no harm
   */
  async admit(
    bytes: number,
    priority: number,
    signal?: AbortSignal,
    lane: object = this,
  ): Promise<(keep?: number) => void> {
    throwIfAborted(signal);
    const place = await new Promise<Place>((resolve, reject) => {
      const request: Waiting = {
        priority,
        lane,
        largestPiece: bytes,
        passedBy: 0,
        grant: (given) => {
          forget?.();
          resolve(given);
        },
      };
      const forget =
        signal &&
        onAbort(signal, () => {
          this.forget(request);
          reject(abortedBy(signal));
          this.admitWaiting();
        });
      this.queue.add(request);
      // Nothing has changed for the others.
      if (this.fits(request) || this.fitsSpare(request)) this.admitWaiting();
    });
    let held = bytes;
    let inside = true;
    return (keep = 0) => {
      if (!inside || (keep >= held && keep > 0)) return;
      inside = keep > 0;
      this.count(place, lane, keep - held, inside ? 0 : -1);
      held = keep;
      this.admitWaiting();
    };
  }

  private admitWaiting(): void {
    for (let next = this.nextIn(); next; next = this.nextIn()) {
      const { request, place } = next;
      this.queue.charge(request, request.largestPiece);
      this.forget(request);
      this.count(place, request.lane, request.largestPiece, 1);
      request.grant(place);
    }
  }

  private forget(request: Waiting): void {
    this.queue.remove(request);
    if (this.overtaken === request) this.overtaken = undefined;
  }

  /** Who is to be let in now; the one whose turn it is takes note when it is passed. */
  private nextIn(): { readonly request: Waiting; readonly place: Place } | undefined {
    const { overtaken } = this;
    if (overtaken) {
      // While it waits for all others to leave, only more urgent ones go first.
      const urgent = this.queue.next((request) => request.priority > overtaken.priority && this.fits(request));
      const request = urgent ?? (this.fits(overtaken) ? overtaken : undefined);
      if (request) return { request, place: 'budget' };
    } else {
      const request = this.queue.next((waiting) => this.fits(waiting));
      if (request) {
        const first = this.queue.next()!;
        if (first !== request && ++first.passedBy >= mostOvertakes) this.overtaken = first;
        return { request, place: 'budget' };
      }
    }
    const small = this.queue.next((request) => this.fitsSpare(request));
    return small && { request: small, place: 'spare' };
  }

  /** Requests of a lane are of one kind when the largest is not twice as large as the smallest: about as well they fit. */
  private kindOf({ lane, largestPiece }: Waiting): object {
    const sizes = this.kinds.get(lane) ?? new Map<number, object>();
    this.kinds.set(lane, sizes);
    const size = Math.floor(Math.log2(largestPiece));
    const kind = sizes.get(size) ?? {};
    sizes.set(size, kind);
    return kind;
  }

  /** @param change bytes and requests more than before */
  private count(place: Place, lane: object, change: number, request: 1 | 0 | -1): void {
    if (place === 'spare') this.spareUsed += change;
    else this.used += change;
    const requests = (this.inside.get(lane) ?? 0) + request;
    if (requests > 0) this.inside.set(lane, requests);
    else this.inside.delete(lane);
  }

  private fits({ largestPiece: bytes }: Waiting): boolean {
    return this.used === 0 || this.used + bytes <= this.budget;
  }

  private fitsSpare({ largestPiece: bytes, lane }: Waiting): boolean {
    const { budget } = this;
    return bytes <= budget * sparePart && this.spareUsed + bytes <= budget * spareShare && !this.inside.has(lane);
  }
}
