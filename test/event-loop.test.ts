import { describe, expect, it } from 'vitest';
import { copyInBands, yieldToEventLoop, inBands } from '#src/event-loop.js';
import { countTurns } from './support/event-loop.js';

/** More than one slice's worth of work in every row. */
const slowRow = 1 << 18;

describe('work in bands', () => {
  it('covers all rows once, in order, whatever their number and cost', async () => {
    for (const rows of [0, 1, 7, 1000, 100_000]) {
      for (const steps of [0, 1, 100, slowRow]) {
        if (rows * steps > 1e9) continue;
        let next = 0;
        await inBands(rows, steps, (from, to) => {
          expect(from).toBe(next);
          expect(to).toBeGreaterThan(from);
          next = to;
        });
        expect(next).toBe(rows);
      }
    }
  });

  it('does small work before it returns', () => {
    let done = 0;
    void inBands(50, 100, (from, to) => (done += to - from));
    expect(done).toBe(50);
  });

  it('gives the event loop a turn after every slice', async () => {
    const turns = await countTurns(() => inBands(40, slowRow, () => undefined));
    expect(turns).toBeGreaterThanOrEqual(39);
  });

  it('never does two slices in one turn of the event loop, however much work there is at once', async () => {
    let inThisTurn = 0;
    let most = 0;
    const started = [1, 2, 3, 4].map(() => inBands(10, slowRow, () => (most = Math.max(most, ++inThisTurn))));
    // The first slices began at once, before this one could look.
    expect(most).toBe(4);
    most = 0;
    inThisTurn = 0;
    const look = (): void => {
      inThisTurn = 0;
      watching = setImmediate(look);
    };
    let watching = setImmediate(look);
    await Promise.all(started);
    clearImmediate(watching);
    expect(most).toBe(1);
  });

  it('serves those who wait in the order in which they came', async () => {
    const order: string[] = [];
    await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        for (let turn = 0; turn < 3; turn++) {
          await yieldToEventLoop();
          order.push(name);
        }
      }),
    );
    expect(order.join('')).toBe('abcabcabc');
  });

  it('fails when the work does', async () => {
    const work = inBands(10, slowRow, (from) => {
      if (from === 5) throw new Error('row 5');
    });
    await expect(work).rejects.toThrow('row 5');
  });
});

it('copies in bands what copying at once copies', async () => {
  const from = Uint16Array.from({ length: 5_000_001 }, (_, i) => i * 31);
  const to = new Uint16Array(from.length + 3);
  const turns = await countTurns(() => copyInBands(from, to, 2));
  expect(turns).toBeGreaterThan(0);
  // Compared as bytes: looking at millions of numbers one by one takes the assertion minutes.
  expect(Buffer.compare(bytesOf(to.subarray(2, -1)), bytesOf(from))).toBe(0);
  expect([to[0], to[1], to.at(-1)]).toEqual([0, 0, 0]);
});

function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
