import { describe, expect, it } from 'vitest';
import { machineClass } from '#src/network/machine-class.js';
import { createServer, createWorker, type UpresServer, type UpresWorker } from '#src/server/index.js';
import { temporaryFolder } from '../support/folders.js';
import { redisProgram, startRedis, startS3 } from '../support/services.js';
import { farmLeft } from './support/farm-left.js';
import { allEvents, endOf, form, json, smallPicture } from './support/job-server.js';

describe.skipIf(redisProgram === undefined)('a farm', () => {
  it('computes what one server accepted, tells it by another, and leaves nothing behind', async () => {
    const redis = await startRedis(temporaryFolder());
    const s3 = await startS3(temporaryFolder());
    const shared = { queue: redis.location, storage: s3.location, cache: false as const };
    const fronts: UpresServer[] = [];
    for (let i = 0; i < 2; i++) fronts.push(await createServer({ port: 0, threads: 1, ...shared }));
    const [first, second] = await Promise.all(fronts.map((front) => front.listen()));
    const pictures = await Promise.all([1, 2, 3].map((seed) => smallPicture(seed)));
    const body = form(pictures.map((bytes, i) => [`${i}.png`, bytes]));
    const { id } = await json(fetch(`${first}/v1/jobs?model=natural`, { method: 'POST', body }), 202);
    const events = allEvents(await fetch(`${second}/v1/jobs/${id}/events`));
    const workers: UpresWorker[] = [];
    const done: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      workers.push(
        await createWorker({ threads: 1, ...shared, warn: console.error, onImage: (image) => done.push(image) }),
      );
    }
    const ended = await endOf(`${second}/v1/jobs/${id}`);
    expect(ended.state).toBe('done');
    for (const { result } of ended.images)
      expect(result).toMatchObject({ device: 'cpu', machine: await machineClass() });
    expect((await events).at(-1)).toMatchObject({ event: 'done' });
    expect(done).toHaveLength(3);
    expect((await fetch(`${first}/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    await Promise.all(workers.map((worker) => worker.close()));
    await Promise.all(fronts.map((front) => front.close()));
    expect(await farmLeft(redis.location, s3.location)).toEqual({ keys: [], objects: [] });
  });
});
