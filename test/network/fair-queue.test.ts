import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue, type QueueMember } from '#src/network/pool/fair-queue.js';

interface Job extends QueueMember {
  readonly name: string;
  left: number;
}

function job(name: string, left: number, lane: object = {}, priority = 0, largestPiece = 1): Job {
  return { name, left, lane, priority, largestPiece };
}

/** Serves the queue to its end, one unit of work at a time, and tells whose turns those were. */
function serve(queue: FairQueue<Job>, work: (job: Job) => number = () => 1, turns = Infinity): string {
  let order = '';
  for (let turn = 0; turn < turns; turn++) {
    const next = queue.next();
    if (!next) break;
    order += next.name;
    queue.charge(next, work(next));
    if (--next.left === 0) queue.remove(next);
  }
  return order;
}

describe('a fair queue', () => {
  it('has no one next while it is empty', () => {
    expect(new FairQueue<Job>().next()).toBeUndefined();
  });

  it('serves those who ask at the same time in turn', () => {
    const queue = new FairQueue<Job>();
    const lane = {};
    for (const name of ['a', 'b', 'c']) queue.add(job(name, 2, lane));
    expect(serve(queue)).toBe('abcabc');
  });

  it('does a small job soon that comes after a huge one', () => {
    const queue = new FairQueue<Job>();
    const lane = {};
    queue.add(job('H', 1000, lane));
    serve(queue, undefined, 500);
    queue.add(job('s', 2, lane));
    expect(serve(queue, undefined, 6)).toBe('sHsHHH');
  });

  it('pays no one for having been absent: a newcomer takes turns, it does not catch up', () => {
    const queue = new FairQueue<Job>();
    queue.add(job('A', 1000));
    serve(queue, undefined, 100);
    queue.add(job('B', 1000));
    const order = serve(queue, undefined, 8);
    expect(order.replaceAll('B', '')).toBe('AAAA');
    expect(order.replaceAll('A', '')).toBe('BBBB');
  });

  it('gives a caller with many jobs no more than one with few', () => {
    const queue = new FairQueue<Job>();
    const crowd = {};
    for (let i = 0; i < 10; i++) queue.add(job('C', 5, crowd));
    queue.add(job('s', 5));
    expect(serve(queue, undefined, 10)).toBe('CsCsCsCsCs');
  });

  it('lets a caller who comes anew go first among equals', () => {
    const queue = new FairQueue<Job>();
    queue.add(job('A', 10));
    serve(queue, undefined, 3);
    queue.add(job('b', 2));
    expect(serve(queue, undefined, 4)).toBe('bAbA');
  });

  it('gives no more to a caller who always has just one waiting, and comes back when that is done', () => {
    const queue = new FairQueue<Job>();
    const loop = {};
    const crowd = {};
    for (let i = 0; i < 100; i++) queue.add(job('C', 1, crowd));
    let order = '';
    for (let turn = 0; turn < 8; turn++) {
      if (!order || order.endsWith('s')) queue.add(job('s', 1, loop));
      order += serve(queue, undefined, 1);
    }
    expect(order.replaceAll('s', '')).toBe('CCCC');
  });

  it('remembers no one after a time in which no one waited', () => {
    const queue = new FairQueue<Job>();
    const before = {};
    queue.add(job('b', 3, before));
    expect(serve(queue, () => 1000)).toBe('bbb');
    queue.add(job('A', 2));
    queue.add(job('b', 2, before));
    expect(serve(queue)).toBe('AbAb');
  });

  it('measures turns by work, not by number', () => {
    const queue = new FairQueue<Job>();
    queue.add(job('L', 4, {}, 0, 3));
    queue.add(job('s', 12));
    expect(serve(queue, ({ name }) => (name === 'L' ? 3 : 1), 8)).toBe('LsssLsss');
  });

  it('serves a higher priority first, always', () => {
    const queue = new FairQueue<Job>();
    queue.add(job('n', 3, {}, 0));
    queue.add(job('l', 3, {}, -1));
    queue.add(job('h', 3, {}, 5));
    expect(serve(queue)).toBe('hhhnnnlll');
  });

  it('skips kinds that are not ready, and does not pay them for it afterwards', () => {
    const queue = new FairQueue<Job>(({ name }) => name);
    const lane = {};
    for (const name of ['a', 'b']) queue.add(job(name, 1000, lane));
    for (let turn = 0; turn < 100; turn++) {
      expect(queue.next(({ name }) => name === 'b')?.name).toBe('b');
      queue.charge(
        queue.next(({ name }) => name === 'b')!,
        1,
      );
    }
    expect(queue.next(() => false)).toBeUndefined();
    expect(serve(queue, undefined, 6)).toBe('ababab');
  });

  it('asks one of each kind, however many there are', () => {
    const queue = new FairQueue<Job>(({ left }) => left);
    const lanes = [{}, {}, {}];
    for (let n = 0; n < 3000; n++) queue.add(job('j', n % 2, lanes[n % 3]));
    let asked = 0;
    expect(queue.next(() => ++asked < 0)).toBeUndefined();
    expect(asked).toBe(2);
  });

  it('forgets those who leave, also in the middle of their work', () => {
    const queue = new FairQueue<Job>();
    const leaver = job('x', 10);
    queue.add(leaver);
    queue.add(job('a', 2));
    serve(queue, undefined, 2);
    queue.remove(leaver);
    queue.charge(leaver, 5);
    queue.remove(leaver);
    expect(serve(queue)).toBe('a');
  });
});

/** What happens to a queue, as numbers that any state can make sense of. */
const events = fc.array(
  fc.oneof(
    { weight: 16, arbitrary: fc.record({ kind: fc.constant('serve' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('add' as const),
        lane: fc.nat(3),
        priority: fc.nat(1),
        // Tiles of one job: none longer than the first, which is what the queue knows.
        tiles: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }) },
  ),
  { minLength: 50, maxLength: 300, size: 'max' },
);

interface Tiled extends QueueMember {
  readonly tiles: number[];
}

/** Two that wait, and by how much more the one was given than the other since both do. */
interface Pair {
  readonly a: object;
  readonly b: object;
  ahead: number;
  least: number;
  most: number;
}

/** Compares what all that wait are given, two by two, over any time in which both wait. */
class Race {
  private readonly racers = new Set<object>();
  private pairs: Pair[] = [];

  constructor(private readonly largestOf: (racer: object) => number) {}

  enter(racer: object): void {
    if (this.racers.has(racer)) return;
    for (const b of this.racers) this.pairs.push({ a: racer, b, ahead: 0, least: 0, most: 0 });
    this.racers.add(racer);
  }

  leave(racer: object): void {
    this.racers.delete(racer);
    this.pairs = this.pairs.filter(({ a, b }) => a !== racer && b !== racer);
  }

  give(racer: object, work: number): void {
    for (const pair of this.pairs) {
      if (pair.a === racer) pair.ahead += work;
      if (pair.b === racer) pair.ahead -= work;
      pair.least = Math.min(pair.least, pair.ahead);
      pair.most = Math.max(pair.most, pair.ahead);
    }
  }

  /** Those of whom one got more, at some time, than the largest piece of each. */
  get unfair(): Pair[] {
    return this.pairs.filter(({ a, b, least, most }) => most - least > this.largestOf(a) + this.largestOf(b));
  }
}

describe('the bound of fairness', () => {
  it('holds between members of a lane and between lanes, whatever comes and goes', () => {
    let served = 0;
    fc.assert(
      fc.property(events, (happenings) => {
        const queue = new FairQueue<Tiled>();
        const lanes = Array.from({ length: 4 }, () => ({}));
        const waiting = new Set<Tiled>();
        const largestOf = new Map<object, number>();
        const largest = (racer: object): number => largestOf.get(racer)!;
        const byPriority = [0, 1].map(() => ({
          lanes: new Race(largest),
          members: new Map(lanes.map((lane) => [lane, new Race(largest)])),
        }));
        const leave = (member: Tiled): void => {
          queue.remove(member);
          waiting.delete(member);
          const { lanes: laneRace, members } = byPriority[member.priority]!;
          members.get(member.lane)!.leave(member);
          const stays = [...waiting].some((other) => other.lane === member.lane && other.priority === member.priority);
          if (!stays) laneRace.leave(member.lane);
        };
        for (const event of happenings) {
          if (event.kind === 'add') {
            const member: Tiled = {
              lane: lanes[event.lane]!,
              priority: event.priority,
              tiles: [...event.tiles],
              largestPiece: Math.max(...event.tiles),
            };
            const { lanes: laneRace, members } = byPriority[event.priority]!;
            largestOf.set(member, member.largestPiece);
            largestOf.set(member.lane, Math.max(member.largestPiece, largestOf.get(member.lane) ?? 0));
            queue.add(member);
            waiting.add(member);
            members.get(member.lane)!.enter(member);
            laneRace.enter(member.lane);
          } else if (event.kind === 'remove') {
            const gone = [...waiting][event.which % Math.max(1, waiting.size)];
            if (gone) leave(gone);
          } else {
            const next = queue.next();
            if (!next) {
              expect(waiting.size).toBe(0);
              continue;
            }
            expect([...waiting].every(({ priority }) => priority <= next.priority)).toBe(true);
            const tile = next.tiles.pop()!;
            queue.charge(next, tile);
            served++;
            const { lanes: laneRace, members } = byPriority[next.priority]!;
            laneRace.give(next.lane, tile);
            members.get(next.lane)!.give(next, tile);
            expect(laneRace.unfair).toEqual([]);
            expect(members.get(next.lane)!.unfair).toEqual([]);
            if (next.tiles.length === 0) leave(next);
          }
        }
      }),
      { seed: 11, numRuns: 100 },
    );
    expect(served).toBeGreaterThan(5000);
  });

  it.each([
    ['of one lane', true],
    ['each in a lane of its own', false],
  ])('a large job gets its share among tiny ones that never end: %s', (_, oneLane) => {
    const streams = 32;
    const queue = new FairQueue<Tiled>();
    const shared = {};
    const newJob = (tiles: number[]): Tiled => ({
      lane: oneLane ? shared : {},
      priority: 0,
      tiles,
      largestPiece: tiles[0]!,
    });
    for (let n = 0; n < streams; n++) queue.add(newJob([3000 + n]));
    const large = newJob(Array.from({ length: 7 }, () => 100_000));
    queue.add(large);
    let work = 0;
    while (large.tiles.length > 0 && work < 1e9) {
      const next = queue.next()!;
      const tile = next.tiles.pop()!;
      work += tile;
      queue.charge(next, tile);
      if (next.tiles.length > 0) continue;
      queue.remove(next);
      if (next !== large) queue.add(newJob([3000 + (work % 31)]));
    }
    // All 33 alike: its last tile is begun when each was given as much as it.
    expect(work).toBeLessThan(1.2 * (streams + 1) * 700_000);
  });
});
