import { isBefore, TurnHeap, type Turn } from './turn-heap.js';

/** What a fair queue needs to know of its members. */
export interface QueueMember {
  /** Members of a higher priority go first, always. */
  readonly priority: number;
  /** The caller: members of one lane share that lane's turn. */
  readonly lane: object;
  /** The largest piece of work that it will be charged with at once; read when it comes. */
  readonly largestPiece: number;
}

interface Place<Member> extends Turn {
  readonly member: Member;
  readonly kind: unknown;
  readonly lane: Lane<Member>;
}

interface Lane<Member> extends Turn {
  readonly key: object;
  readonly level: Level<Member>;
  readonly members: Share<Place<Member>>;
}

/** All members of one priority. */
interface Level<Member> {
  readonly priority: number;
  readonly lanes: Share<Lane<Member>>;
  readonly byKey: Map<object, Lane<Member>>;
  /** Where lanes that left would go on: whoever always has just one member would be new each time, and always first. */
  readonly left: WeakMap<object, number>;
}

/**
 * Decides whose work is next: the highest priority; within it the lane, and within that the member, by start-time fair queueing
 * (P. Goyal, H. M. Vin, H. Cheng: Start-time fair queueing, IEEE/ACM Transactions on Networking 5(5), 1997), which needs to know
 * neither how fast the work is done nor by how many. Over any time in which two members of a lane (or two lanes) both wait, what
 * they were given differs by at most the largest piece of the one and that of the other. A small image is therefore done soon
 * however large the one next to it is, a large one gets its share however many small ones come and go, and a caller with many
 * images does not crowd out another.
 *
 * Each priority has turns of its own: what a lane was given at one does not count at another.
 *
 * Each step takes time logarithmic in the number of members, times the number of kinds.
 */
export class FairQueue<Member extends QueueMember> {
  private readonly places = new Map<Member, Place<Member>>();
  /** Highest priority first. */
  private readonly levels: Level<Member>[] = [];

  /** @param kindOf tells members apart that may not be ready at the same time; few kinds, the same for a member always */
  constructor(private readonly kindOf: (member: Member) => unknown = () => undefined) {}

  get size(): number {
    return this.places.size;
  }

  /** The highest priority of all members; undefined where there are none. */
  get highestPriority(): number | undefined {
    return this.levels[0]?.priority;
  }

  /** All members, in no particular order. */
  members(): Iterable<Member> {
    return this.places.keys();
  }

  /** Adds a member; one that is here already stays where it is. */
  add(member: Member): void {
    if (this.places.has(member)) return;
    const level = this.levelOf(member.priority);
    const kind = this.kindOf(member);
    const lane = this.laneOf(level, member);
    const place: Place<Member> = { member, kind, lane, start: 0, order: 0 };
    lane.members.begin(place, member.largestPiece);
    lane.members.add(place, kind);
    level.lanes.add(lane, kind);
    this.places.set(member, place);
  }

  remove(member: Member): void {
    const place = this.places.get(member);
    if (!place) return;
    this.places.delete(member);
    const { lane, kind } = place;
    const { level, members } = lane;
    members.delete(place, kind);
    if (!members.kinds.has(kind)) level.lanes.delete(lane, kind);
    if (members.kinds.size > 0) return;
    level.byKey.delete(lane.key);
    level.left.set(lane.key, lane.start);
    // The queue is empty, so all begin anew.
    if (level.byKey.size === 0) this.levels.splice(this.levels.indexOf(level), 1);
  }

  /**
   * The member whose turn it is among those that are ready.
   * @param ready is asked of the first of each kind, and its answer holds for all others of that kind and priority
   */
  next(ready: (member: Member) => boolean = () => true): Member | undefined {
    for (const { lanes } of this.levels) {
      let best: Place<Member> | undefined;
      for (const [kind, ofKind] of lanes.kinds) {
        const place = ofKind.first!.members.kinds.get(kind)!.first!;
        if ((!best || isEarlier(place, best)) && ready(place.member)) best = place;
      }
      if (best) return best.member;
    }
    return undefined;
  }

  /** Notes that a member was given work. */
  charge(member: Member, work: number): void {
    const place = this.places.get(member);
    if (!place) return;
    const { lane, kind } = place;
    lane.level.lanes.charge(lane, kind, lane.members.kinds.keys(), work);
    lane.members.charge(place, kind, [kind], work);
  }

  private levelOf(priority: number): Level<Member> {
    const at = this.levels.findIndex((level) => level.priority <= priority);
    const found = this.levels[at];
    if (found?.priority === priority) return found;
    const level = { priority, lanes: new Share<Lane<Member>>(), byKey: new Map(), left: new WeakMap() };
    this.levels.splice(at < 0 ? this.levels.length : at, 0, level);
    return level;
  }

  private laneOf(level: Level<Member>, { lane: key, largestPiece }: Member): Lane<Member> {
    const known = level.byKey.get(key);
    if (known) return known;
    const lane = { key, level, members: new Share<Place<Member>>(), start: 0, order: 0 };
    level.lanes.begin(lane, largestPiece, level.left.get(key));
    level.byKey.set(key, lane);
    return lane;
  }
}

function isEarlier(a: Place<QueueMember>, b: Place<QueueMember>): boolean {
  return a.lane === b.lane ? isBefore(a, b) : isBefore(a.lane, b.lane);
}

/**
 * Turns of those who share something, by start-time fair queueing: whoever has the earliest start is next, and then starts again
 * after what it was given.
 *
 * Newcomers start at the virtual time, which the paper takes to be the start of what was given last. That alone would let
 * newcomers without end, each with one piece, hold up the others for ever: they all start where the time stands, and so it
 * stands still. The time here goes on by what each would have been given had all been served evenly, as in generalised processor
 * sharing; but a newcomer starts no more than its own largest piece after the paper's time, which is what the bound allows.
 */
class Share<T extends Turn> {
  /** Those who wait, by kind; none is empty. */
  readonly kinds = new Map<unknown, TurnHeap<T>>();
  /** Start of what was given last. */
  private started = 0;
  /** What each would have been given so far; never before `started`. */
  private even = 0;
  /** What was given last, evenly: it counts as soon as it is done. */
  private due = 0;
  private orders = 0;

  /** Sets the turn of one that comes. */
  begin(turn: T, largestPiece: number, earliest = 0): void {
    turn.start = Math.max(earliest, Math.min(this.even, this.started + largestPiece));
    turn.order = this.orders++;
  }

  add(turn: T, kind: unknown): void {
    let heap = this.kinds.get(kind);
    if (!heap) this.kinds.set(kind, (heap = new TurnHeap()));
    if (!heap.has(turn)) heap.add(turn);
  }

  delete(turn: T, kind: unknown): void {
    const heap = this.kinds.get(kind);
    heap?.delete(turn);
    if (heap?.size === 0) this.kinds.delete(kind);
  }

  /** @param kinds under which it waits; `kind` is what it was given work for */
  charge(turn: T, kind: unknown, kinds: Iterable<unknown>, work: number): void {
    // One that was not ready for a while is not paid for it.
    this.started = Math.max(turn.start, this.started);
    this.even = Math.max(this.even + this.due, this.started);
    this.due = work / this.kinds.get(kind)!.size;
    turn.start = this.started + work;
    turn.order = this.orders++;
    for (const each of kinds) this.kinds.get(each)!.sink(turn);
  }
}
