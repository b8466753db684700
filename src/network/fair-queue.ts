/** What a fair queue needs to know of its members. */
export interface QueueMember {
  /** Members of a higher priority go first, always. */
  readonly priority: number;
  /** Who asks: members of one lane share that lane's turn. */
  readonly lane: object;
}

interface Lane<Member> {
  /** Work done so far, in the same unit for all; whoever had least is next. */
  served: number;
  /** Whether any of its members was given work since it came. */
  begun: boolean;
  readonly members: Map<Member, Place<Member>>;
}

interface Place<Member> {
  readonly member: Member;
  readonly lane: Lane<Member>;
  /** Of this member; as in a lane. */
  served: number;
}

/**
 * Decides whose work is next: the highest priority; within it the lane, and within that the member, that was served least
 * (start-time fair queuing: newcomers start level with the least served, so nobody is paid for having been absent; a lane
 * that comes anew is the first among equals, and one that comes back starts no earlier than where it ended). A small image is
 * therefore done soon however large the one beside it is, and a caller with many images does not crowd out another.
 */
export class FairQueue<Member extends QueueMember> {
  private readonly lanes = new Map<object, Lane<Member>>();
  /** What lanes that left had been served: whoever always has just one member would be new each time, and always first. */
  private ended: WeakMap<object, number> | undefined;

  add(member: Member): void {
    let lane = this.lanes.get(member.lane);
    if (!lane) {
      const served = Math.max(leastServed(this.lanes.values()), this.ended?.get(member.lane) ?? 0);
      lane = { served, begun: false, members: new Map() };
      this.lanes.set(member.lane, lane);
    }
    lane.members.set(member, { member, lane, served: leastServed(lane.members.values()) });
  }

  remove(member: Member): void {
    const lane = this.lanes.get(member.lane);
    lane?.members.delete(member);
    if (lane?.members.size !== 0) return;
    this.lanes.delete(member.lane);
    if (this.lanes.size > 0) (this.ended ??= new WeakMap()).set(member.lane, lane.served);
    // Nobody waited meanwhile, so all begin anew.
    else this.ended = undefined;
  }

  /** The member whose turn it is among those that `ready` accepts. */
  next(ready: (member: Member) => boolean): Member | undefined {
    let best: Place<Member> | undefined;
    for (const lane of this.lanes.values()) {
      for (const place of lane.members.values()) {
        if (best && inTurn(place, best) >= 0) continue;
        if (ready(place.member)) best = place;
      }
    }
    return best?.member;
  }

  /** All members in the order in which their turns would be if nothing were charged in between. */
  inTurn(): Member[] {
    const places = [...this.lanes.values()].flatMap((lane) => [...lane.members.values()]);
    return places.sort(inTurn).map(({ member }) => member);
  }

  /** Notes that a member was given work. */
  charge(member: Member, work: number): void {
    const lane = this.lanes.get(member.lane);
    const place = lane?.members.get(member);
    if (!lane || !place) return;
    lane.begun = true;
    lane.served += work;
    place.served += work;
  }
}

/** For sorting; equals stay in the order in which they came. */
function inTurn(a: Place<QueueMember>, b: Place<QueueMember>): number {
  return (
    b.member.priority - a.member.priority ||
    a.lane.served - b.lane.served ||
    Number(a.lane.begun) - Number(b.lane.begun) ||
    a.served - b.served
  );
}

function leastServed(turns: Iterable<{ readonly served: number }>): number {
  let least = Infinity;
  for (const { served } of turns) least = Math.min(least, served);
  return Number.isFinite(least) ? least : 0;
}
