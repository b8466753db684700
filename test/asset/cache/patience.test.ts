import { describe, expect, it, test } from 'vitest';
import { Patience, patienceWith } from '#src/asset/cache/patience.js';
import { RemoteCache, type Reading } from '#src/asset/cache/remote-cache.js';
import type { Kept, RemoteStore } from '#src/asset/cache/remote-store.js';
import { VirtualTime } from '../support/virtual-time.js';

/** What a remote does with what it is asked, in virtual time. */
interface Remote {
  readonly get?: (time: VirtualTime, onPiece: (piece: Uint8Array) => void) => Promise<Uint8Array | undefined>;
  readonly put?: (time: VirtualTime) => Promise<Kept>;
}

/** What is sent: a result that says how long it took, and whether it is what it should be; as large as it is said to be. */
const result = (took: number, good: boolean, length = 100): Buffer =>
  Buffer.from(`${took} ${good ? 'good' : 'bad'}\n`.padEnd(length));
const reading: Reading<{ readonly bytes: number }> = {
  worth: (begin) => (begin.includes(10) ? Number.parseInt(begin.toString(), 10) : undefined),
  read: (bytes) =>
    Promise.resolve(
      Buffer.from(bytes).includes('good') ? { bytes: bytes.length } : { refused: 'its bytes are damaged' },
    ),
};

const whole =
  (ms: number, bytes: Buffer): NonNullable<Remote['get']> =>
  async (time, onPiece) => {
    await time.sleep(ms);
    onPiece(bytes);
    return bytes;
  };
/** Sends pieces of a result one after the other. */
const pieces =
  (ms: number, length: number, bytes: Buffer): NonNullable<Remote['get']> =>
  async (time, onPiece) => {
    for (let at = 0; at < bytes.length; at += length) {
      await time.sleep(ms);
      onPiece(bytes.subarray(at, at + length));
    }
    return bytes;
  };
const nothing =
  (ms: number): NonNullable<Remote['get']> =>
  async (time) => {
    await time.sleep(ms);
    return undefined;
  };
const never = (): Promise<never> => new Promise(() => undefined);
const fails =
  (ms: number, reason: string) =>
  async (time: VirtualTime): Promise<never> => {
    await time.sleep(ms);
    throw new Error(reason);
  };

const pictures = 60;
const atOnce = 8;
const slow = 'is left alone: it is too slow';
const unused = 'is not used: its bytes are damaged';

/** A build of many pictures that computes in no time: all the time that it takes is what its remote costs. */
async function build(remote: Remote, caches = 1) {
  const time = new VirtualTime();
  const patience = new Patience({ clock: time });
  const said: string[] = [];
  const asked: number[] = [];
  let open = 0;
  let got = 0;
  const ask = async <T>(answer: Promise<T>): Promise<T> => {
    asked.push(time.now);
    open++;
    return answer.finally(() => open--);
  };
  const store: RemoteStore = {
    name: 'a store',
    get: (_, onPiece) => ask((remote.get ?? nothing(0))(time, onPiece)),
    has: () => Promise.resolve(false),
    put: () => ask((remote.put ?? (() => Promise.resolve('stored' as const)))(time)),
    close: () => undefined,
  };
  const one = async (): Promise<void> => {
    const cache = new RemoteCache(store, (line) => said.push(line), { mayWrite: true, patience });
    const names = Array.from({ length: pictures }, (_, at) => `${at}`);
    const lane = async (): Promise<void> => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        if (await cache.get(name, reading)) got++;
        else cache.offer(name, () => Promise.resolve(Buffer.from('made')));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    await cache.settle();
  };
  const all = async (): Promise<void> => {
    for (let cache = 0; cache < caches; cache++) await one();
  };
  await time.until(all());
  return { ms: time.now, said, got, asked, lastAsked: asked.at(-1), lost: patience.lost };
}

describe('a remote costs a build of many pictures two seconds at most, all in all', () => {
  it.each<[string, Remote, string[], (number | undefined)?]>([
    ['it answers after five seconds', { get: nothing(5000) }, [slow]],
    ['it never answers', { get: never }, [slow]],
    ['it refuses connections', { get: fails(0, 'ECONNREFUSED') }, ['is left alone: ECONNREFUSED'], 0],
    ['it hangs up after a second', { get: fails(1000, 'ECONNRESET') }, ['is left alone: ECONNRESET'], 1000],
    ['it never takes anything', { put: never }, [slow]],
    ['it takes each in five seconds', { put: (time) => time.sleep(5000).then(() => 'stored') }, [slow]],
    ['it takes each in 400 ms', { put: (time) => time.sleep(400).then(() => 'stored') }, [slow]],
    ['it fails to take', { put: fails(1000, 'EPIPE') }, ['is left alone: EPIPE'], 1000],
    ['nothing is there, and it takes 300 ms to say so', { get: nothing(300) }, [slow], 2400],
    ['all is damaged', { get: whole(1, result(1000, false)) }, [unused]],
    ['all is damaged, and comes after 300 ms', { get: whole(300, result(1000, false)) }, [unused, slow]],
    ['all is damaged, and comes after 1100 ms', { get: whole(1100, result(3_600_000, false)) }, [unused, slow]],
    ['it comes in drops', { get: pieces(100, 10, result(3_600_000, true, 100_000)) }, [slow], 2200],
  ])('%s', async (_, remote, said, ms = 2000) => {
    const outcome = await build(remote);
    expect(outcome.said.map((line) => line.replace(/^.* (?=is (?:left|not))/, ''))).toEqual(said);
    expect(outcome.ms).toBeLessThanOrEqual(ms);
    if (!said.some((line) => line.startsWith('is left alone'))) return;
    // What was asked for when it was left alone is all that ever is.
    expect(outcome.lastAsked).toBeLessThan(Math.max(outcome.ms, 1));
    // For another bundler of the same process, too.
    const both = await build(remote, 2);
    expect({ ms: both.ms, asked: both.asked, said: both.said }).toEqual({
      ms: outcome.ms,
      asked: outcome.asked,
      said: outcome.said,
    });
  });
});

describe('what is got costs no more than two seconds beyond what it had taken to make', () => {
  it.each<[string, NonNullable<Remote['get']>, number, number]>([
    ['at once', whole(1, result(100, true)), pictures, 8],
    ['later than it would have been made', whole(400, result(100, true)), 0, 0],
    ['as slowly as it was made', whole(400, result(400, true)), pictures, 3200],
    ['piece by piece', pieces(100, 20_000, result(900, true, 200_000)), pictures, 8000],
  ])('%s', async (_, get, all, ms) => {
    const { said, got, ms: took, lost } = await build({ get });
    expect(lost).toBeLessThanOrEqual(2000);
    if (all > 0) {
      expect({ said, got }).toEqual({ said: [], got: all });
      expect(took).toBe(ms);
    } else {
      expect(said).toEqual([expect.stringContaining(slow)]);
      // Each eight of them come together.
      expect(took).toBeLessThanOrEqual(2000 + (got / atOnce + 1) * 150);
    }
  });

  it('in one large piece after a minute, which is no result: the minute is the most that one can say for itself', async () => {
    const { ms, said } = await build({ get: pieces(1000, 70_000, result(3_600_000, false, 7_000_000)) });
    expect(said).toEqual([expect.stringContaining(slow)]);
    expect(ms).toBeLessThanOrEqual(62_000);
    const all = await build({ get: pieces(1000, 70_000, result(3_600_000, false, 2_000_000)) });
    expect(all.said.map((line) => line.replace(/^.* (?=is (?:left|not))/, ''))).toEqual([unused, slow]);
    expect(all.ms).toBeLessThanOrEqual(32_000);
  });
});

test('all of a process have one patience with one remote', () => {
  expect(patienceWith('https://one.example/')).toBe(patienceWith('https://one.example/'));
  expect(patienceWith('https://one.example/')).not.toBe(patienceWith('https://other.example/'));
  // Where one is refused, another with a token of its own is not.
  expect(patienceWith('https://one.example/', 'mine')).toBe(patienceWith('https://one.example/', 'mine'));
  expect(patienceWith('https://one.example/', 'mine')).not.toBe(patienceWith('https://one.example/', 'yours'));
});

test('what was left alone is tried again by those that go on', async () => {
  const time = new VirtualTime();
  const patience = new Patience({ clock: time, budgetMs: 100, retryAfter: 60_000 });
  const said: string[] = [];
  patience.wait((reason) => said.push(reason));
  await time.until(time.sleep(200));
  expect({ said, over: patience.isOver, round: patience.round }).toEqual({
    said: ['it is too slow'],
    over: true,
    round: 0,
  });
  await time.until(time.sleep(60_000));
  expect({ over: patience.isOver, round: patience.round }).toEqual({ over: false, round: 1 });
});

test('a process that goes on begins anew after a minute without questions, and less often where that is in vain', async () => {
  const time = new VirtualTime();
  const patience = new Patience({ clock: time, restMs: 60_000 });
  const sleep = (ms: number): Promise<void> => time.until(time.sleep(ms));
  const ask = async (ms: number): Promise<boolean> => {
    if (patience.refuses(() => undefined)) return false;
    const end = patience.wait(() => undefined);
    await sleep(ms);
    end();
    return true;
  };
  // Little by little is no outage: a day of it is not left alone.
  for (let hour = 0; hour < 24; hour++) {
    expect(await ask(500)).toBe(true);
    await sleep(3_600_000);
  }
  expect(await ask(5000)).toBe(true);
  for (const rest of [60_000, 120_000, 240_000]) {
    // A build that goes on asking does not try it again, however long it takes.
    for (let second = 0; second < 300; second++) {
      expect(await ask(0)).toBe(false);
      await sleep(1000);
    }
    await sleep(rest - 2000);
    expect(await ask(0)).toBe(false);
    await sleep(rest);
    expect(await ask(5000)).toBe(true);
  }
  // It is back.
  await sleep(480_000);
  for (let build = 0; build < 2; build++) {
    expect(await ask(1000)).toBe(true);
    await sleep(60_000);
  }
});

/** What one says of the time since it asked: `[asked, said, worth]`, and whether that is withdrawn in the end. */
type Said = readonly [asked: number, said: number, worth: number, withdrawn?: true];

describe('time that several say was not lost counts once, in whatever order they ask, say so and take it back', () => {
  it.each<[string, readonly Said[], number]>([
    [
      'one after the other',
      [
        [0, 100, 100],
        [200, 300, 100],
      ],
      200,
    ],
    [
      'the same',
      [
        [0, 100, 100],
        [0, 100, 100],
      ],
      100,
    ],
    [
      'who asked last says it first',
      [
        [0, 300, 300],
        [100, 200, 100],
      ],
      300,
    ],
    [
      'one within the other',
      [
        [100, 200, 50],
        [0, 400, 400],
      ],
      400,
    ],
    [
      'with time between that none is worth',
      [
        [0, 300, 100],
        [150, 200, 10],
      ],
      110,
    ],
    [
      'one of two takes it back, which the other covers',
      [
        [0, 100, 100, true],
        [0, 150, 150],
      ],
      150,
    ],
    [
      'the other one takes it back',
      [
        [0, 100, 100],
        [0, 150, 150, true],
      ],
      100,
    ],
    [
      'all take it back',
      [
        [0, 100, 100, true],
        [50, 150, 100, true],
      ],
      0,
    ],
    [
      'more than has passed',
      [
        [0, 100, 5000],
        [50, 100, 5000],
      ],
      100,
    ],
  ])('%s', async (_, all, credited) => {
    const time = new VirtualTime();
    const patience = new Patience({ clock: time, budgetMs: 10_000 });
    const end = patience.wait(() => undefined);
    const ask = async ([asked, said, worth, withdrawn]: Said): Promise<void> => {
      await time.sleep(asked);
      const credit = patience.credit();
      await time.sleep(said - asked);
      credit.raise(worth);
      await time.sleep(500 - said);
      if (withdrawn) credit.withdraw();
      else credit.keep();
      // What is kept is not taken back.
      credit.withdraw();
    };
    await time.until(Promise.all(all.map(ask)));
    expect(patience.lost).toBe(time.now - credited);
    end();
    expect(patience.lost).toBe(500 - credited);
  });
});
