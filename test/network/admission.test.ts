import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission } from '#src/network/admission.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Asks for room and notes in `inside` when it was given. */
function ask(admission: Admission, inside: string[], name: string, bytes: number, priority = 0, signal?: AbortSignal) {
  const entered = admission.enter(bytes, priority, signal);
  void entered.then(
    () => inside.push(name),
    () => undefined,
  );
  return entered;
}

describe('admission', () => {
  it('lets requests in while they fit', async () => {
    const admission = new Admission(100);
    const inside: string[] = [];
    const leave = await ask(admission, inside, 'a', 60);
    void ask(admission, inside, 'b', 40);
    void ask(admission, inside, 'c', 1);
    await tick();
    expect(inside).toEqual(['a', 'b']);
    leave();
    await tick();
    expect(inside).toEqual(['a', 'b', 'c']);
  });

  it('lets in alone what is larger than the whole budget', async () => {
    const admission = new Admission(100);
    const inside: string[] = [];
    const leaveSmall = await ask(admission, inside, 'small', 1);
    const huge = ask(admission, inside, 'huge', 1000);
    await tick();
    expect(inside).toEqual(['small']);
    leaveSmall();
    const leaveHuge = await huge;
    void ask(admission, inside, 'next', 1);
    await tick();
    expect(inside).toEqual(['small', 'huge']);
    leaveHuge();
    await tick();
    expect(inside).toEqual(['small', 'huge', 'next']);
  });

  it('lets a small request pass a large one that does not fit, but not for ever', async () => {
    const admission = new Admission(100);
    const inside: string[] = [];
    const leaveFirst = await admission.enter(50, 0);
    const large = ask(admission, inside, 'large', 100);
    let passed = 0;
    for (let i = 0; i < 100; i++) {
      const small = ask(admission, inside, 'small', 1);
      await tick();
      if (inside.pop() !== 'small') break;
      passed++;
      (await small)();
    }
    expect(passed).toBe(32);
    leaveFirst();
    await large;
  });

  it('prefers a higher priority among those who wait', async () => {
    const admission = new Admission(10);
    const inside: string[] = [];
    const leave = await admission.enter(10, 0);
    const low = ask(admission, inside, 'low', 10, -1);
    const high = ask(admission, inside, 'high', 10, 3);
    const usual = ask(admission, inside, 'usual', 10, 0);
    leave();
    (await high)();
    (await usual)();
    (await low)();
    expect(inside).toEqual(['high', 'usual', 'low']);
  });

  it('ends the waiting with the reason of the signal, and lets the next one in', async () => {
    const admission = new Admission(10);
    const inside: string[] = [];
    const leave = await admission.enter(5, 0);
    const abort = new AbortController();
    const waiting = ask(admission, inside, 'gone', 10, 5, abort.signal);
    const reason = new Error('no longer wanted');
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await ask(admission, inside, 'next', 5);
    leave();
    expect(inside).toEqual(['next']);
  });

  it('refuses a signal that was aborted before', async () => {
    const admission = new Admission(10);
    await expect(admission.enter(1, 0, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    await admission.enter(10, 0);
  });

  it('gives room back once, however often it is told', async () => {
    const admission = new Admission(10);
    const inside: string[] = [];
    const leave = await admission.enter(6, 0);
    await admission.enter(4, 0);
    leave();
    leave();
    void ask(admission, inside, 'six', 6);
    void ask(admission, inside, 'more', 1);
    await tick();
    expect(inside).toEqual(['six']);
  });

  it('never holds more than the budget unless one request alone does, and lets everyone in at last', async () => {
    const asked = fc.array(
      fc.record({ bytes: fc.integer({ min: 1, max: 150 }), priority: fc.integer({ min: 0, max: 2 }) }),
      {
        maxLength: 30,
      },
    );
    await fc.assert(
      fc.asyncProperty(asked, async (requests) => {
        const admission = new Admission(100);
        let held = 0;
        let inside = 0;
        await Promise.all(
          requests.map(async ({ bytes, priority }) => {
            const leave = await admission.enter(bytes, priority);
            held += bytes;
            inside++;
            expect(held <= 100 || inside === 1).toBe(true);
            await tick();
            held -= bytes;
            inside--;
            leave();
          }),
        );
      }),
      { seed: 7, numRuns: 50 },
    );
  });
});
