import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Source } from '#src/image/image-source.js';
import { FarmClient } from '#src/server/farm/farm-client.js';
import { FarmPicture } from '#src/server/farm/farm-picture.js';
import { freePort } from '../test/support/free-port.js';
import { fixed, spread } from './format.js';
import { mixedPictures } from './load-pictures.js';
import { LoadTarget } from './load-target.js';
import type { Findings, Setting } from './measurement.js';
import { inRounds } from './rounds.js';
import { ratios, summarise, type Timing } from './statistics.js';

/** Pixels a second of two workers with a thread each, as a share of one process with two threads. */
const leastThroughput = 0.9;
const workers = 2;

/**
 * The same mixed pictures by a farm, as the command sends them, and by one process, in turn. Redis, the storage (a folder) and
 * whoever sends have no cores of their own.
 */
export async function measureFarmThroughput(setting: Setting): Promise<Findings> {
  const { quick, folder, cacheFolder, say } = setting;
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    say('farm: there is no redis-server on this machine');
    return { tables: [], goals: [], figures: {} };
  }
  const pictures = await mixedPictures(quick ? 16 : 96, quick ? 2 : 1);
  say(
    `farm: ${pictures.length} mixed pictures by ${workers} workers, and by one process of ${workers} threads, in turn`,
  );
  const port = await freePort();
  const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
  });
  try {
    const queue = `redis://127.0.0.1:${port}/0`;
    const storage = join(folder, 'farm');
    await using engine = await LoadTarget.start('load-engine', [String(workers)], cacheFolder);
    await using first = await LoadTarget.start('load-worker', [queue, storage], cacheFolder);
    await using second = await LoadTarget.start('load-worker', [queue, storage], cacheFolder);
    const signal = new AbortController().signal;
    const client = await FarmClient.open({ queue, storage, client: { id: 'bench' }, signal, warn: say });
    const processorMs = async (): Promise<number> => {
      const answers = await Promise.all([first.ask('cpu'), second.ask('cpu')]);
      return answers.reduce((sum, { cpuMs = NaN }) => sum + cpuMs, 0);
    };
    const byFarm = async (): Promise<Timing> => {
      const before = await processorMs();
      const start = performance.now();
      await Promise.all(pictures.map((picture) => upscale(client, picture)));
      const wallMs = performance.now() - start;
      return { wallMs, cpuMs: (await processorMs()) - before };
    };
    const alone = async (): Promise<Timing> => {
      const { ms = NaN, cpuMs = NaN } = await engine.ask(pictures);
      return { wallMs: ms, cpuMs };
    };
    // Twice, so that all have settled on their tiles.
    for (let round = 0; round < 2; round++) {
      await alone();
      await byFarm();
    }
    const times = await inRounds(setting, { farm: byFarm, process: alone });
    await client.close();
    const wall = (of: readonly Timing[]): number[] => of.map(({ wallMs }) => wallMs);
    const cpu = (of: readonly Timing[]): number[] => of.map(({ cpuMs }) => cpuMs);
    const relative = summarise(ratios(wall(times.process), wall(times.farm)));
    const relativeCpu = summarise(ratios(cpu(times.farm), cpu(times.process)));
    const ratio = (value: number): string => fixed(value, 3);
    const row = (name: string, of: readonly Timing[]): string[] => [
      name,
      spread(summarise(wall(of)), (value) => fixed(value, 0)),
      spread(summarise(wall(of).map((ms) => (1000 * pictures.length) / ms)), (value) => fixed(value, 1)),
      spread(summarise(cpu(of)), (value) => fixed(value, 0)),
    ];
    return {
      tables: [
        {
          caption: `${pictures.length} JPEG pictures, upscaled twice; processor time without Redis and whoever sends`,
          columns: ['', 'ms', 'pictures a second', 'processor ms'],
          rows: [
            row(`${workers} workers of 1 thread`, times.farm),
            row(`1 process of ${workers} threads`, times.process),
          ],
        },
        {
          caption: 'Ratios within each round',
          columns: ['', 'median (least–most)'],
          rows: [
            ['throughput of the farm / of the process', spread(relative, ratio)],
            ['processor time of the farm / of the process', spread(relativeCpu, ratio)],
          ],
        },
      ],
      goals: [
        {
          what: `throughput of ${workers} workers of a farm / of one process of ${workers} threads`,
          value: relative.median,
          bound: { atLeast: leastThroughput },
          show: ratio,
        },
      ],
      figures: { farmMs: wall(times.farm), processMs: wall(times.process), ratio: relative.median },
    };
  } finally {
    redis.kill();
  }
}

async function upscale(client: FarmClient, bytes: Uint8Array): Promise<void> {
  const leave = await client.sending.enter();
  const options = { upscale: 2, device: 'cpu' } as const;
  const picture = new FarmPicture(client, new Source(bytes), [options], 'picture', leave);
  try {
    await picture.upscale(undefined, options);
    await picture.remove();
  } finally {
    leave();
    // Only so many fetch at once: who kept its turn would hold up all of the next round.
    picture.leave();
  }
}
