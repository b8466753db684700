import { describe, expect, test } from 'vitest';
import { AssetCache } from '#src/asset/cache/asset-cache.js';
import { createServer } from '#src/server/index.js';
import { temporaryFolder } from '../support/folders.js';
import { ordersInFlight, until } from '../support/pool.js';
import { FileJobStore } from '#src/server/jobs/file-job-store.js';
import { ask, imageFile, metric, startServer, upscale } from './support/server.js';

describe('the end of a server', () => {
  test('what runs is finished, nothing new is begun, and probes say so', async () => {
    const server = await startServer();
    const { url } = server;
    const running = upscale(server, await imageFile(220, 220, 'jpeg', 3), '?upscale=4');
    await until(() => ordersInFlight() > 0);
    const closed = server.close();
    const late = await upscale({ url }, await imageFile(8, 8));
    expect(late.status).toBe(503);
    expect(late.problem.code).toBe('DRAINING');
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask({ url }, '/readyz')).status).toBe(503);
    expect((await ask({ url }, '/healthz')).status).toBe(200);
    const { status, headers } = await running;
    expect({ status, width: headers['upres-width'] }).toEqual({ status: 200, width: '880' });
    await closed;
    expect(server.url).toBeUndefined();
    await expect(ask({ url }, '/healthz')).rejects.toThrow(/ECONNREFUSED/);
  });

  test('what takes longer than that is given up, and its client is told', async () => {
    const cache = temporaryFolder();
    const server = await startServer({ cache, limits: { drainSeconds: 0.1 } });
    const running = upscale(server, await imageFile(600, 600, 'jpeg', 4), '?upscale=4&model=real');
    await until(() => ordersInFlight() > 0);
    await server.close();
    expect(await running).toMatchObject({ status: 503, problem: { code: 'DRAINING' } });
    await until(() => ordersInFlight() === 0);
    expect((await new AssetCache(cache).stats()).entries).toBe(0);
  });

  test('jobs, which survive, leave the threads to requests, which do not', async () => {
    const folder = temporaryFolder();
    const server = await startServer({ folder });
    const jobs = await ask(server, '/v1/jobs?upscale=4&model=real', {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: await imageFile(900, 900, 'jpeg', 6),
    });
    expect(jobs.status).toBe(202);
    await until(() => ordersInFlight() > 0);
    const running = upscale(server, await imageFile(120, 120, 'jpeg', 3), '?upscale=2');
    await expect.poll(() => metric(server, 'upres_queue_requests')).toBe(1);
    const [{ status }] = await Promise.all([running, server.close()]);
    expect(status).toBe(200);
    const store = await FileJobStore.open(folder);
    expect((await store.list()).flatMap(({ images }) => images)).toMatchObject([{ state: 'queued', attempts: 0 }]);
    await store.close();
  });

  test('with `cancel`, all is given up at once; closing twice does no harm', async () => {
    const server = await startServer();
    const running = upscale(server, await imageFile(600, 600, 'jpeg', 5), '?upscale=4&model=real');
    await until(() => ordersInFlight() > 0);
    const closed = server.close();
    await server.close({ cancel: true });
    await closed;
    expect((await running).status).toBe(503);
  });

  test('a client that takes no answer does not hold up the end', async () => {
    const server = await startServer({ limits: { drainSeconds: 0.2 } });
    const { connect } = await import('node:net');
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => undefined);
    socket.write(
      'POST /v1/upscale HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nabc',
    );
    await until(() => socket.bytesWritten > 0);
    await server.close();
    socket.destroy();
  });

  test('before it listens a server answers what is put into it', async () => {
    await using server = await createServer({ cache: temporaryFolder(), folder: temporaryFolder() });
    expect((await server.inject('/healthz')).statusCode).toBe(200);
    const request = { method: 'POST', url: '/v1/upscale', headers: { 'content-type': 'image/png' } } as const;
    const { statusCode } = await server.inject({ ...request, payload: await imageFile(8, 8) });
    expect(statusCode).toBe(200);
  });
});
