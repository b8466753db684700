import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission } from '#src/network/pool/admission.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Asks for room and notes in `inside` when it was given. */
function ask(
  admission: Admission,
  inside: string[],
  name: string,
  bytes: number,
  priority = 0,
  signal?: AbortSignal,
  lane?: object,
) {
  const entered = admission.admit(bytes, priority, signal, lane);
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
    const release = await ask(admission, inside, 'a', 60);
    void ask(admission, inside, 'b', 40);
    void ask(admission, inside, 'c', 1);
    await tick();
    expect(inside).toEqual(['a', 'b']);
    release();
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
    const releaseFirst = await admission.admit(50, 0);
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
    releaseFirst();
    await large;
  });

  it('prefers a higher priority among those who wait', async () => {
    const admission = new Admission(10);
    const inside: string[] = [];
    const release = await admission.admit(10, 0);
    const low = ask(admission, inside, 'low', 10, -1);
    const high = ask(admission, inside, 'high', 10, 3);
    const usual = ask(admission, inside, 'usual', 10, 0);
    release();
    (await high)();
    (await usual)();
    (await low)();
    expect(inside).toEqual(['high', 'usual', 'low']);
  });

  it('ends the waiting with the reason of the signal, and lets the next one in', async () => {
    const admission = new Admission(10);
    const inside: string[] = [];
    const release = await admission.admit(5, 0);
    const abort = new AbortController();
    const waiting = ask(admission, inside, 'gone', 10, 5, abort.signal);
    const reason = new Error('no longer wanted');
    abort.abort(reason);
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
    await ask(admission, inside, 'next', 5);
    release();
    expect(inside).toEqual(['next']);
  });

  it('refuses a signal that was aborted before', async () => {
    const admission = new Admission(10);
    await expect(admission.admit(1, 0, AbortSignal.abort(new Error('before')))).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await admission.admit(10, 0);
  });

  it('gives room back once, however often it is released', async () => {
    const admission = new Admission(10);
    const inside: string[] = [];
    const release = await admission.admit(6, 0);
    await admission.admit(4, 0);
    release();
    release();
    void ask(admission, inside, 'six', 6);
    void ask(admission, inside, 'more', 1);
    await tick();
    expect(inside).toEqual(['six']);
  });

  it('lets lanes in by turns, whoever came first', async () => {
    const admission = new Admission(10);
    const inside: string[] = [];
    const release = await admission.admit(10, 0);
    const [crowd, other] = [{}, {}];
    const asked = [
      ...[1, 2, 3].map((n) => ask(admission, inside, `crowd ${n}`, 10, 0, undefined, crowd)),
      ask(admission, inside, 'other', 10, 0, undefined, other),
      ask(admission, inside, 'urgent', 10, 1, undefined, crowd),
    ];
    release();
    for (const entered of [4, 0, 3, 1, 2]) (await asked[entered]!)();
    expect(inside).toEqual(['urgent', 'crowd 1', 'other', 'crowd 2', 'crowd 3']);
  });

  it('has a spare part for small requests of lanes that hold nothing', async () => {
    const admission = new Admission(80);
    const inside: string[] = [];
    const crowd = {};
    await admission.admit(1000, 0, undefined, crowd);
    void ask(admission, inside, 'crowd', 1, 0, undefined, crowd);
    void ask(admission, inside, 'too large', 11, 0, undefined, {});
    const [first, second] = [{}, {}];
    const releaseFirst = await ask(admission, inside, 'first', 10, 0, undefined, first);
    void ask(admission, inside, 'first again', 1, 0, undefined, first);
    await ask(admission, inside, 'second', 10, 0, undefined, second);
    void ask(admission, inside, 'no room left', 1, 0, undefined, {});
    await tick();
    expect(inside).toEqual(['first', 'second']);
    releaseFirst();
    await tick();
    // 'first' holds nothing any more, and came before.
    expect(inside.slice(2).sort()).toEqual(['first again', 'no room left']);
  });

  it('opens the spare part also while all wait for a large request', async () => {
    const admission = new Admission(100);
    const release = await admission.admit(50, 0);
    const large = ask(admission, [], 'large', 100);
    for (let i = 0; i < 32; i++) (await admission.admit(20, 0))();
    const inside: string[] = [];
    void ask(admission, inside, 'medium', 20, 0, undefined, {});
    void ask(admission, inside, 'small', 5, 0, undefined, {});
    await tick();
    expect(inside).toEqual(['small']);
    release();
    (await large)();
    await tick();
    expect(inside).toEqual(['small', 'medium']);
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
            const release = await admission.admit(bytes, priority);
            held += bytes;
            inside++;
            expect(held <= 100 || inside === 1).toBe(true);
            await tick();
            held -= bytes;
            inside--;
            release();
          }),
        );
      }),
      { seed: 7, numRuns: 50 },
    );
  });
});
