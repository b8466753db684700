import type { TileRecord } from '#src/network/pool/call.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { percent } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { warmUp } from './networks.js';
import { photograph } from './pictures.js';
import { inRounds } from './rounds.js';
import { summarise } from './statistics.js';

/** Of all threads' time, this share is to be spent in tiles. */
const leastBusy = 0.97;

/** Width and height of the pictures, in turn. */
const sizes = [
  [96, 96],
  [240, 160],
  [320, 240],
  [480, 480],
  [640, 360],
  [800, 534],
] as const;

/** How much of the threads' time goes into tiles while pictures of many sizes are computed at once. */
export async function measureOccupancy(setting: Setting): Promise<Findings> {
  const { quick, cacheFolder, say } = setting;
  const threads = 2;
  await using network = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads, cacheFolder });
  const count = quick ? 6 : 50;
  const pictures = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const [width, height] = sizes[index % sizes.length]!;
      return photograph(width, height);
    }),
  );
  await warmUp(network, pictures[0]!);
  say(`${count} pictures at once`);
  const { busy } = await inRounds(setting, {
    busy: async () => {
      const records: TileRecord[] = [];
      await Promise.all(
        pictures.map((picture) => network.upscaleImage(picture, { onTile: (record) => records.push(record) })),
      );
      const first = Math.min(...records.map(({ started }) => started));
      const last = Math.max(...records.map(({ ended }) => ended));
      return records.reduce((sum, { started, ended }) => sum + ended - started, 0) / threads / (last - first);
    },
  });
  const share = summarise(busy);
  return {
    tables: [],
    goals: [
      {
        what: `the share of ${threads} threads' time that is spent in tiles, ${count} pictures of many sizes at once`,
        value: share.median,
        bound: { atLeast: leastBusy },
        show: percent,
      },
    ],
    figures: { busy },
  };
}
