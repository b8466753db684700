import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { UpresError } from '../../errors.js';
import { openChecked } from '../../storage/checked.js';
import { deleteAll, type BytePart, type Storage } from '../../storage/storage.js';
import type { JobChange, JobDraft, JobStore } from '../jobs/job-store.js';
import { hasEnded, jobIdPattern, type Job } from '../jobs/job.js';
import { mostAttempts } from '../jobs/rest-before.js';
import { printJob, readJob } from '../jobs/stored-job.js';
import { asking, keyPrefix, type Connection } from './connection.js';

/** Bytes of no job are removed when they are older than this: a job's sources are there before the job is. */
const orphanMs = 60 * 60 * 1000;
/** Records that are read at once. */
const atOnce = 200;

const keys = {
  /** A hash: the record, its version, and who wrote that. */
  job: (id: string) => `${keyPrefix}job:${id}`,
  /** All jobs, and a client's, by the time when they came. */
  all: `${keyPrefix}jobs`,
  client: (client: string) => `${keyPrefix}client:${client}`,
  /** Counts a client's jobs that have come, so that two never see the same room. */
  arrivals: (client: string) => `${keyPrefix}arrivals:${client}`,
  request: (client: string, key: string) => `${keyPrefix}request:${client} ${key}`,
  /** Those that have not ended. */
  open: `${keyPrefix}open`,
};

/** Where news of a job is told. */
export const newsOf = (id: string): string => `${keyPrefix}news:${id}`;

/**
 * KEYS job, all, client, arrivals, open, request; ARGV id, arrivals seen, record, created, open?, with a request?
 * A connection that breaks asks again, so that the second time must be as if it had not been.
 */
const commitScript = `
if redis.call('EXISTS', KEYS[1]) == 1 then return ARGV[1] end
if ARGV[6] == '1' then
  local known = redis.call('GET', KEYS[6])
  if known then return known end
end
if (redis.call('GET', KEYS[4]) or '0') ~= ARGV[2] then return 'again' end
redis.call('HSET', KEYS[1], 'version', '1', 'record', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('INCR', KEYS[4])
if ARGV[6] == '1' then redis.call('SET', KEYS[6], ARGV[1]) end
if ARGV[5] == '1' then redis.call('SADD', KEYS[5], ARGV[1]) end
return ARGV[1]`;

/** KEYS job, open; ARGV version seen, version, record, writer, open?, id, channel. */
const updateScript = `
if redis.call('HGET', KEYS[1], 'writer') == ARGV[4] then return 1 end
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'record', ARGV[3], 'writer', ARGV[4])
redis.call(ARGV[5] == '1' and 'SADD' or 'SREM', KEYS[2], ARGV[6])
redis.call('PUBLISH', ARGV[7], '')
return 1`;

/**
 * Jobs that several servers and workers share: their records in Redis, their pictures in a storage. A result's name holds the
 * hash of its bytes, so that two machines which compute the same image, and differ in the last bit, never mix.
 */
export class RedisJobStore implements JobStore {
  constructor(
    private readonly connection: Pick<Connection, 'redis'>,
    private readonly storage: Storage,
  ) {}

  draft(): Promise<JobDraft> {
    // Only the job's own id leads to its bytes, and that comes last.
    const sources: (readonly [place: number, bytes: Uint8Array])[] = [];
    let written: string | undefined;
    return Promise.resolve({
      addSource: (place, bytes) => {
        sources.push([place, bytes]);
        return Promise.resolve();
      },
      commit: async (job, admit) => {
        written = job.id;
        await Promise.all(sources.map(([place, bytes]) => this.storage.put(sourceKey(job.id, place), bytes)));
        const accepted = await this.commit(job, admit);
        if (accepted.id === job.id) written = undefined;
        return accepted;
      },
      discard: async () => {
        if (written === undefined || (await this.get(written))) return;
        await this.storage.delete(sources.map(([place]) => sourceKey(written!, place)));
      },
    } satisfies JobDraft);
  }

  async get(id: string): Promise<Job | undefined> {
    const [job] = await this.read([id]);
    return job;
  }

  async find(client: string, key: string): Promise<Job | undefined> {
    const id = await asking(this.connection.redis.get(keys.request(client, key)));
    return id === null ? undefined : this.get(id);
  }

  async list(client?: string): Promise<readonly Job[]> {
    const name = client === undefined ? keys.all : keys.client(client);
    return this.read(await asking(this.connection.redis.zrange(name, 0, -1)));
  }

  /** Those that have not ended. */
  async listOpen(): Promise<readonly Job[]> {
    return this.read(await asking(this.connection.redis.smembers(keys.open)));
  }

  async update(id: string, change: JobChange): Promise<Job | undefined> {
    const writer = randomBytes(12).toString('base64url');
    for (;;) {
      const job = await this.get(id);
      const next = job && change(job);
      if (!next) return undefined;
      const changed = { ...next, version: job.version + 1 };
      const done = await this.run(
        updateScript,
        [keys.job(id), keys.open],
        [
          String(job.version),
          String(changed.version),
          printJob(changed),
          writer,
          hasEnded(changed) ? '0' : '1',
          id,
          newsOf(id),
        ],
      );
      if (done === 1) return changed;
    }
  }

  async readSource(id: string, place: number): Promise<Uint8Array> {
    const bytes = await this.storage.get(sourceKey(id, place));
    if (bytes) return buffer(bytes);
    throw new UpresError('INPUT_NOT_FOUND', 'the image was lost on the server: send it again');
  }

  async writeResult(id: string, place: number, output: number, bytes: Uint8Array, sha256: string): Promise<void> {
    await this.storage.put(resultKey(id, place, output, sha256), bytes);
  }

  async openResult(
    id: string,
    place: number,
    output: number,
    part?: BytePart,
  ): Promise<Readable | 'damaged' | undefined> {
    const image = (await this.get(id))?.images[place];
    const sha256 = image?.state === 'done' ? image.results[output]?.sha256 : undefined;
    if (sha256 === undefined) return undefined;
    return openChecked(this.storage, resultKey(id, place, output, sha256), sha256, part);
  }

  /** Those of images that were given up stay: their owner may have them computed again. */
  async dropSources(id: string): Promise<void> {
    const images = (await this.get(id))?.images ?? [];
    const places = [...images.keys()].filter(
      (place) => images[place]!.state === 'cancelled' || images[place]!.attempts <= mostAttempts,
    );
    await this.storage.delete(places.map((place) => sourceKey(id, place)));
  }

  async dropSource(id: string, place: number): Promise<void> {
    await this.storage.delete([sourceKey(id, place)]);
  }

  async dropResults(id: string): Promise<void> {
    const gone: string[] = [];
    for await (const { key } of this.storage.list(`jobs/${id}/result-`)) gone.push(key);
    await this.storage.delete(gone);
  }

  async remove(id: string): Promise<boolean> {
    const job = await this.get(id);
    if (!job) return false;
    const { redis } = this.connection;
    const { client, request } = job;
    const gone = redis.multi().del(keys.job(id)).zrem(keys.all, id).zrem(keys.client(client), id).srem(keys.open, id);
    if (request) gone.del(keys.request(client, request.key));
    await asking(gone.publish(newsOf(id), '').exec());
    if ((await asking(redis.zcard(keys.client(client)))) === 0) await asking(redis.del(keys.arrivals(client)));
    await deleteAll(this.storage, `jobs/${id}/`);
    return true;
  }

  async tidy(now: Date, olderThan = orphanMs): Promise<void> {
    const old = new Map<string, string[]>();
    for await (const { key, modified } of this.storage.list('jobs/')) {
      const id = key.split('/')[1]!;
      if (now.getTime() - modified.getTime() < olderThan || !jobIdPattern.test(id)) continue;
      old.set(id, [...(old.get(id) ?? []), key]);
    }
    for (const [id, own] of old) {
      const job = await this.get(id);
      if (!job || job.expired || job.state === 'cancelled') await this.storage.delete(own);
      // Who ended it was killed before it came to that.
      else if (hasEnded(job) && own.some((key) => key.startsWith(`jobs/${id}/source-`))) await this.dropSources(id);
    }
  }

  async close(): Promise<void> {
    await this.storage.close();
  }

  private async commit(job: Job, admit: ((kept: readonly Job[]) => void) | undefined): Promise<Job> {
    const { id, client, request, created } = job;
    for (;;) {
      const arrivals = (await asking(this.connection.redis.get(keys.arrivals(client)))) ?? '0';
      const known = request && (await this.find(client, request.key));
      if (known) return known;
      admit?.(await this.list(client));
      const answer = await this.run(
        commitScript,
        [
          keys.job(id),
          keys.all,
          keys.client(client),
          keys.arrivals(client),
          keys.open,
          keys.request(client, request?.key ?? ''),
        ],
        [id, arrivals, printJob(job), String(Date.parse(created)), hasEnded(job) ? '0' : '1', request ? '1' : '0'],
      );
      if (answer === id) return job;
      const other = answer === 'again' ? undefined : await this.get(String(answer));
      if (other) return other;
    }
  }

  private async read(ids: readonly string[]): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let from = 0; from < ids.length; from += atOnce) {
      const some = this.connection.redis.pipeline();
      for (const id of ids.slice(from, from + atOnce)) some.hget(keys.job(id), 'record');
      for (const [error, record] of (await asking(some.exec())) ?? []) {
        if (error) throw new UpresError('QUEUE_UNAVAILABLE', `the queue can’t be used: ${error.message}`);
        if (typeof record === 'string') jobs.push(readJob(record));
      }
    }
    return jobs;
  }

  private run(script: string, names: readonly string[], values: readonly string[]): Promise<unknown> {
    return asking(this.connection.redis.eval(script, names.length, ...names, ...values));
  }
}

const sourceKey = (id: string, place: number): string => `jobs/${id}/source-${place}`;
const resultKey = (id: string, place: number, output: number, sha256: string): string =>
  `jobs/${id}/result-${place}-${output}-${sha256}`;
