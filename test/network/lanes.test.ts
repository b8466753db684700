import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { plainNetwork } from '../support/networks.js';
import { noise } from '../support/pictures.js';
import { until } from '../support/pool.js';

/** Many tiles each. */
const large = noise(400, 300);
const small = noise(20, 20);
const tilePixels = 3000;

describe('calls of several lanes', () => {
  let network: ThreadSafeNetwork;
  beforeAll(async () => {
    network = await ThreadSafeNetwork.fromBytes(plainNetwork(), { threads: 2 });
  });
  afterAll(() => network.dispose());

  /** Tiles of twenty large calls that were computed from when a small one came until it was done. */
  async function tilesBefore(lanes: { readonly crowd?: object; readonly other?: object }): Promise<number> {
    const stop = new AbortController();
    let tiles = 0;
    const crowd = Array.from({ length: 20 }, (_, n) =>
      network.upscaleImage(n % 2 === 0 ? large : noise(300, 400, 3, n), {
        tilePixels,
        signal: stop.signal,
        onTile: () => tiles++,
        ...(lanes.crowd && { lane: lanes.crowd }),
      }),
    );
    // Large ones take a while to be laid on shared memory.
    await until(() => tiles > 0);
    const earlier = tiles;
    await network.upscaleImage(small, { tilePixels, ...(lanes.other && { lane: lanes.other }) });
    const before = tiles - earlier;
    stop.abort();
    await Promise.allSettled(crowd);
    return before;
  }

  it('share the threads evenly: twenty calls of one do not come before one of another', async () => {
    // Two threads, each with a tile that it computes and one that it was given ahead.
    expect(await tilesBefore({ crowd: {}, other: {} })).toBeLessThanOrEqual(8);
  });

  it('are one lane unless lanes are named: each call then waits for a turn of each', async () => {
    expect(await tilesBefore({})).toBeGreaterThanOrEqual(12);
  });
});
