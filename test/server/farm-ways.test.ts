import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as dial, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openRemote } from '#src/asset/cache/open-remote.js';
import { openFarm, type Farm } from '#src/server/farm/farm.js';
import { temporaryFolder } from '../support/folders.js';
import { freePort } from '../support/free-port.js';
import { redisProgram, startRedis } from '../support/services.js';
import { bytesOf, submit } from './support/jobs.js';

const storage = temporaryFolder();
const said: string[] = [];
const open = (queue: string): Promise<Farm> => openFarm({ queue, storage, atOnce: 1, warn: (line) => said.push(line) });

/** What is said of a location: that it works, if a job comes and goes. */
async function outcome(queue: string): Promise<string> {
  try {
    const farm = await open(queue);
    try {
      const job = await submit(farm.store, [bytesOf('one')]);
      await farm.queue.offer(job, { id: 'alice' });
      await farm.queue.withdraw(job.id);
      await farm.store.remove(job.id);
      return 'works';
    } finally {
      await farm.close();
    }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code} ${message}`;
  }
}

describe.skipIf(redisProgram === undefined)('the queues of the world', () => {
  it('are named as their providers name them, and databases are not mixed up', async () => {
    const redis = await startRedis(temporaryFolder());
    const place = redis.location.slice('redis://'.length, -'/0'.length);
    const port = place.split(':')[1]!;
    const ways: Record<string, string | RegExp> = {
      [`redis://${place}`]: 'works',
      [`redis://${place}/`]: 'works',
      [`redis://localhost:${port}/3`]: 'works',
      [`valkey://${place}/15`]: 'works',
      [`redis://${place}/16`]: /^BAD_ARGUMENT .*no database 16$/,
      [`redis://${place}/upres`]: /^BAD_ARGUMENT .*number of a database$/,
      [`redis://:secret#1@${place}/0`]: /^BAD_ARGUMENT (?!.*secret).*escaped/,
      [`redis://${place},${place}/0`]: /^BAD_ARGUMENT .*one server/,
      [`redis://bob:secret@${place}/0`]: /^QUEUE_UNAVAILABLE (?!.*secret).*WRONGPASS/,
    };
    for (const [queue, answer] of Object.entries(ways)) expect(await outcome(queue), queue).toMatch(answer);
    // One that is not there would be the first one otherwise.
    const first = new Redis(redis.location);
    expect(await first.keys('upres:job:*')).toEqual([]);
    first.disconnect();
  });

  it('let in whoever has the password, or may use what begins with upres:', async () => {
    const folder = temporaryFolder();
    const users = join(folder, 'users.acl');
    const secret = 's/e:c#r@e%t';
    writeFileSync(
      users,
      [
        `user default on >${secret} ~* &* +@all`,
        `user farm on >${secret} ~upres:* &upres:* +@all -@dangerous +info`,
        `user narrow on >${secret} ~upres:* &upres:* +@all -@dangerous`,
        `user deaf on >${secret} ~upres:* resetchannels +@all`,
        `user reader on >${secret} ~* &* +@read +@connection +info +select`,
      ].join('\n'),
    );
    const redis = await startRedis(folder, '--aclfile', users);
    const place = redis.location.slice('redis://'.length);
    const escaped = encodeURIComponent(secret);
    const noWarning = vi.spyOn(console, 'warn').mockReturnValue();
    const ways: Record<string, string | RegExp> = {
      [`redis://:${escaped}@${place}`]: 'works',
      [`redis://default:${escaped}@${place}`]: 'works',
      [`redis://farm:${escaped}@${place}`]: 'works',
      [`redis://${place}`]: /^QUEUE_UNAVAILABLE .*NOAUTH/,
      [`redis://:wrong@${place}`]: /^QUEUE_UNAVAILABLE .*WRONGPASS/,
      [`redis://narrow:${escaped}@${place}`]: /^QUEUE_UNAVAILABLE .*NOPERM.*'info'/,
      [`redis://deaf:${escaped}@${place}`]: /^QUEUE_UNAVAILABLE .*NOPERM.*channels/,
      [`redis://reader:${escaped}@${place}`]: /^QUEUE_UNAVAILABLE .*NOPERM.*command/,
    };
    for (const [queue, answer] of Object.entries(ways)) expect(await outcome(queue), queue).toMatch(answer);
    // In the environment it is as it is.
    vi.stubEnv('UPRES_QUEUE_PASSWORD', secret);
    expect(await outcome(`redis://${place}`)).toBe('works');
    expect(await outcome(`redis://farm@${place}`)).toBe('works');
    expect(await outcome(`redis://:wrong@${place}`)).toMatch(/WRONGPASS/);
    vi.unstubAllEnvs();
    noWarning.mockRestore();
    expect(said.join()).not.toContain(secret);
  });

  it('are a single server that takes changes: what is none says what it is', async () => {
    const master = await startRedis(temporaryFolder());
    const [, port] = /:(\d+)\//.exec(master.location)!;
    const cluster = await startRedis(temporaryFolder(), '--cluster-enabled', 'yes');
    expect(await outcome(cluster.location)).toMatch(/^BAD_ARGUMENT .*cluster/);
    const copy = await startRedis(temporaryFolder(), '--replicaof', '127.0.0.1', port!);
    expect(await outcome(copy.location)).toMatch(
      new RegExp(`^QUEUE_UNAVAILABLE .*read-only copy of 127.0.0.1:${port}`),
    );
    const folder = temporaryFolder();
    const sentinelPort = await freePort();
    const file = join(folder, 'sentinel.conf');
    writeFileSync(file, `port ${sentinelPort}\nsentinel monitor farm 127.0.0.1 ${port} 1\n`);
    const sentinel = spawn(redisProgram!, [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void sentinel.kill());
    for await (const line of createInterface(sentinel.stdout)) if (/sentinel id is/i.test(line)) break;
    expect(await outcome(`redis://127.0.0.1:${sentinelPort}/0`)).toMatch(/^BAD_ARGUMENT .*sentinel/);
  });

  it('say why they let no one in: they are full, for their own machine only, or no Redis', async () => {
    const full = await startRedis(temporaryFolder(), '--maxclients', '1');
    const [, port] = /:(\d+)\//.exec(full.location)!;
    const only = dial(Number(port), '127.0.0.1');
    onTestFinished(() => void only.destroy());
    await once(only, 'connect');
    const other = async (answer: (socket: Socket) => void): Promise<string> => {
      const server = createServer((socket) => {
        answer(socket.on('error', () => undefined));
      }).listen(0, '127.0.0.1');
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      return `redis://127.0.0.1:${(server.address() as { port: number }).port}/0`;
    };
    const guarded =
      '-DENIED Redis is running in protected mode because protected mode is enabled and no password is set\r\n';
    const outcomes = await Promise.all([
      outcome(full.location),
      outcome(await other((socket) => socket.end(guarded))),
      outcome(await other((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))),
    ]);
    expect(outcomes).toEqual([
      expect.stringMatching(/^QUEUE_UNAVAILABLE .*\(its setting maxclients\)$/),
      expect.stringMatching(/^QUEUE_UNAVAILABLE .*in protected mode.*password$/),
      expect.stringMatching(/^QUEUE_UNAVAILABLE .*no Redis$/),
    ]);
    const cache = openRemote(full.location, undefined);
    await expect(cache.get('a'.repeat(64), () => undefined)).rejects.toThrow(/maxclients/);
  });

  it('go on when another server has the name, and the old one has become a copy of it', async () => {
    const servers = [await startRedis(temporaryFolder()), await startRedis(temporaryFolder())];
    const ports = servers.map(({ location }) => Number(/:(\d+)\//.exec(location)![1]));
    let leads = ports[0]!;
    const sockets: Socket[] = [];
    // As a name of which the address has changed: connections that are there stay.
    const name = createServer((socket) => {
      const there = dial(leads, '127.0.0.1');
      for (const each of [socket, there]) sockets.push(each.on('error', () => undefined));
      socket.pipe(there).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(name, 'listening');
    const { port } = name.address() as { port: number };
    const farm = await open(`redis://127.0.0.1:${port}/0`);
    try {
      await submit(farm.store, [bytesOf('before')]);
      const old = new Redis(servers[0]!.location);
      await old.replicaof('127.0.0.1', ports[1]!);
      old.disconnect();
      leads = ports[1]!;
      await expect(submit(farm.store, [bytesOf('lost')])).rejects.toThrow('READONLY');
      const job = await submit(farm.store, [bytesOf('after')]);
      const now = new Redis(servers[1]!.location);
      expect(await now.exists(`upres:job:${job.id}`)).toBe(1);
      now.disconnect();
    } finally {
      await farm.close();
      for (const socket of sockets) socket.destroy();
      name.close();
    }
  });

  it('may be full for a while: what was accepted is offered when there is room', async () => {
    const redis = await startRedis(temporaryFolder());
    const owner = new Redis(redis.location);
    const farm = await open(redis.location);
    try {
      const job = await submit(farm.store, [bytesOf('one')]);
      await owner.config('SET', 'maxmemory', '1');
      await expect(farm.queue.offer(job, { id: 'alice' })).rejects.toThrow('OOM');
      await expect(submit(farm.store, [bytesOf('two')])).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
      await owner.config('SET', 'maxmemory', '0');
      await farm.queue.mend();
      expect(await farm.queue.counts()).toMatchObject({ wait: 1 });
      expect((await farm.store.list('alice')).map(({ id }) => id)).toEqual([job.id]);
    } finally {
      owner.disconnect();
      await farm.close();
    }
  });
});
