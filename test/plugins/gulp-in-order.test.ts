import { InOrder } from '#upres/plugins/gulp/in-order.js';
import { describe, expect, it } from 'vitest';

/** Work that ends when it is told to. */
function pending(): { promise: Promise<string>; end: (result: string) => void; fail: (error: Error) => void } {
  let end!: (result: string) => void;
  let fail!: (error: Error) => void;
  const promise = new Promise<string>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return { promise, end, fail };
}

async function twoUnderWay() {
  const given: string[] = [];
  const work = new InOrder<string>((result) => given.push(result));
  const [first, second] = [pending(), pending()];
  await work.add(first.promise);
  await work.add(second.promise);
  return { work, given, first, second };
}

describe('results in the order of their files', () => {
  it('are given as soon as those before them are, and then nothing is left', async () => {
    const { work, given, first, second } = await twoUnderWay();
    second.end('b');
    await second.promise;
    expect(work.giveReady()).toBe(false);
    expect(given).toEqual([]);
    first.end('a');
    await first.promise;
    expect(work.giveReady()).toBe(true);
    expect(work.isEmpty).toBe(true);
    expect(given).toEqual(['a', 'b']);
  });

  it('are not given over one that failed, whose error comes at the end', async () => {
    const { work, given, first, second } = await twoUnderWay();
    second.end('b');
    first.fail(new Error('damaged'));
    await second.promise;
    expect(work.giveReady()).toBe(false);
    expect(given).toEqual([]);
    await expect(work.end()).rejects.toThrow('damaged');
  });
});
