/** What a fair queue needs to know of its members. */
export interface QueueMember {
  /** Members of a higher priority go first, always. */
  readonly priority: number;
  /** Who asks: members of one lane share that lane's turn. */
  readonly lane: object;
}

interface Turn {
  /** Work done so far, in the same unit for all; whoever had least is next. */
  served: number;
}

interface Lane<Member> extends Turn {
  readonly members: Map<Member, Turn>;
}

/**
 * Decides whose work is next: the highest priority; within it the lane, and within that the member, that was served least
 * (start-time fair queuing: newcomers start level with the least served, so nobody is paid for having been absent). A small
 * image is therefore done soon however large the one beside it is, and a caller with many images does not crowd out another.
 */
export class FairQueue<Member extends QueueMember> {
  private readonly lanes = new Map<object, Lane<Member>>();

  add(member: Member): void {
    let lane = this.lanes.get(member.lane);
    if (!lane) {
      lane = { served: leastServed(this.lanes.values()), members: new Map() };
      this.lanes.set(member.lane, lane);
    }
    lane.members.set(member, { served: leastServed(lane.members.values()) });
  }

  remove(member: Member): void {
    const lane = this.lanes.get(member.lane);
    lane?.members.delete(member);
    if (lane?.members.size === 0) this.lanes.delete(member.lane);
  }

  /** The member whose turn it is among those that `ready` accepts. */
  next(ready: (member: Member) => boolean): Member | undefined {
    let best: { member: Member; lane: number; served: number } | undefined;
    for (const lane of this.lanes.values()) {
      for (const [member, { served }] of lane.members) {
        if (best && !goesBefore(member, lane.served, served, best)) continue;
        if (ready(member)) best = { member, lane: lane.served, served };
      }
    }
    return best?.member;
  }

  /** Notes that a member was given work. */
  charge(member: Member, work: number): void {
    const lane = this.lanes.get(member.lane);
    const turn = lane?.members.get(member);
    if (!lane || !turn) return;
    lane.served += work;
    turn.served += work;
  }
}

function goesBefore(
  member: QueueMember,
  lane: number,
  served: number,
  best: { member: QueueMember; lane: number; served: number },
): boolean {
  if (member.priority !== best.member.priority) return member.priority > best.member.priority;
  if (lane !== best.lane) return lane < best.lane;
  return served < best.served;
}

function leastServed(turns: Iterable<Turn>): number {
  let least = Infinity;
  for (const { served } of turns) least = Math.min(least, served);
  return Number.isFinite(least) ? least : 0;
}
