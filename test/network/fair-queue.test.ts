import { describe, expect, it } from 'vitest';
import { FairQueue, type QueueMember } from '#src/network/fair-queue.js';

interface Job extends QueueMember {
  readonly name: string;
  left: number;
}

function job(name: string, left: number, lane: object = {}, priority = 0): Job {
  return { name, left, lane, priority };
}

/** Serves the queue to its end, one unit of work at a time, and tells whose turns those were. */
function serve(queue: FairQueue<Job>, work: (job: Job) => number = () => 1, turns = Infinity): string {
  let order = '';
  for (let turn = 0; turn < turns; turn++) {
    const next = queue.next(({ left }) => left > 0);
    if (!next) break;
    order += next.name;
    queue.charge(next, work(next));
    if (--next.left === 0) queue.remove(next);
  }
  return order;
}

describe('a fair queue', () => {
  it('has nobody next while it is empty', () => {
    expect(new FairQueue<Job>().next(() => true)).toBeUndefined();
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
    expect(serve(queue, undefined, 6)).toBe('HsHsHH');
  });

  it('pays nobody for having been absent: a newcomer takes turns, it does not catch up', () => {
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

  it('remembers nobody after a time in which nobody waited', () => {
    const queue = new FairQueue<Job>();
    const before = {};
    queue.add(job('b', 3, before));
    expect(serve(queue, () => 1000)).toBe('bbb');
    queue.add(job('A', 2));
    queue.add(job('b', 2, before));
    expect(serve(queue)).toBe('AbAb');
  });

  it('tells the order of all turns', () => {
    const queue = new FairQueue<Job>();
    const [crowd, other] = [{}, {}];
    const jobs = [job('a', 1, crowd), job('b', 1, crowd), job('c', 1, other), job('h', 1, crowd, 1)];
    for (const each of jobs) queue.add(each);
    queue.charge(jobs[0]!, 5);
    expect(queue.inTurn().map(({ name }) => name)).toEqual(['h', 'c', 'b', 'a']);
  });

  it('measures turns by work, not by number', () => {
    const queue = new FairQueue<Job>();
    queue.add(job('L', 4));
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

  it('passes over those who are not ready', () => {
    const queue = new FairQueue<Job>();
    queue.add(job('a', 1));
    queue.add(job('b', 1));
    expect(queue.next(({ name }) => name === 'b')?.name).toBe('b');
    expect(queue.next(() => false)).toBeUndefined();
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
