import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientOf } from '#src/server/service/client.js';
import { defaultLimits } from '#src/server/service/limits.js';
import { ServerMetrics } from '#src/server/service/metrics.js';
import { Occupancy } from '#src/server/service/occupancy.js';
import { Problem } from '#src/server/http/problem.js';

const limits = { ...defaultLimits, heldBytes: 100, queuedPixels: 1000, requestsPerClient: 3 };
const [one, other] = [clientOf('one'), clientOf('other')];

const occupancy = (clients = 2): Occupancy => new Occupancy(limits, new ServerMetrics(), clients);

function statusOf(work: () => unknown): number {
  try {
    work();
    return 200;
  } catch (error) {
    if (error instanceof Problem) return error.status;
    throw error;
  }
}

describe('what requests may hold', () => {
  test('a client holds half of all bytes at most, and all of them together no more than all', () => {
    const room = occupancy();
    room.holdBytes(one, 40);
    expect(statusOf(() => room.holdBytes(one, 11))).toBe(429);
    const give = room.holdBytes(other, 50);
    expect(statusOf(() => room.holdBytes(one, 10))).toBe(200);
    expect(statusOf(() => room.holdBytes(clientOf('third'), 1))).toBe(503);
    give();
    give();
    expect(statusOf(() => room.holdBytes(clientOf('third'), 50))).toBe(200);
  });

  test('where there is but one client, all is its own', () => {
    const room = occupancy(1);
    room.holdBytes(one, 60);
    expect(statusOf(() => room.holdBytes(one, 40))).toBe(200);
    expect(statusOf(() => room.holdBytes(one, 1))).toBe(429);
  });

  test('a place in the queue is bounded by requests and by pixels, for each client by itself', () => {
    const room = occupancy();
    const places = [1, 2, 3].map(() => room.queue(one, 100));
    expect(statusOf(() => room.queue(one, 1))).toBe(429);
    places.pop()!();
    expect(statusOf(() => room.queue(one, 801))).toBe(429);
    expect(statusOf(() => room.queue(one, 800))).toBe(200);
    expect(statusOf(() => room.queue(other, 1000))).toBe(200);
  });

  test('one that is larger than all may enter alone: the picture’s own limit bounds it', () => {
    const room = occupancy();
    expect(statusOf(() => room.queue(one, 5000))).toBe(200);
    expect(statusOf(() => room.queue(one, 1))).toBe(429);
  });

  test('whatever is taken and given back, nothing stays, and the limits hold on the way', () => {
    const step = fc.record({
      client: fc.constantFrom(one, other),
      bytes: fc.integer({ min: 1, max: 60 }),
      give: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const room = occupancy();
        const held: { give: () => void; bytes: number }[] = [];
        for (const { client, bytes, give } of steps) {
          try {
            held.push({ give: room.holdBytes(client, bytes), bytes });
          } catch (error) {
            expect(error).toBeInstanceOf(Problem);
            held.splice(give % Math.max(1, held.length), 1)[0]?.give();
          }
          expect(held.reduce((sum, one) => sum + one.bytes, 0)).toBeLessThanOrEqual(100);
        }
        for (const { give } of held) give();
        expect(statusOf(() => room.holdBytes(one, 100))).toBe(200);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
