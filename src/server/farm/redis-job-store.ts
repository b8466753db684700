import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { UpresError } from '../../errors.js';
import { openChecked, readChecked } from '../../storage/checked.js';
import type { BytePart, Storage } from '../../storage/storage.js';
import type { JobChange, JobDraft, JobStore } from '../jobs/job-store.js';
import { hasEnded, jobIdPattern, type Job } from '../jobs/job.js';
import { mostAttempts } from '../jobs/rest-before.js';
import { printJob, readJob } from '../jobs/stored-job.js';
import { asking, keyPrefix, type Connection } from './connection.js';
import { isOpen } from './image-name.js';
import { Script } from './script.js';

/** Bytes of no job are removed when they are older than this: a job's sources are there before the job is. */
const orphanMs = 60 * 60 * 1000;
/** Records that are read at once. */
const atOnce = 200;
/** Characters of records that are remembered. */
const mostSeen = 4_000_000;

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

/** How far images of a job are that are computed. */
export const progressOf = (id: string): string => `${keyPrefix}progress:${id}`;

/** Where news of a job is told. */
export const newsOf = (id: string): string => `${keyPrefix}news:${id}`;
/** What is told there of a job that has not ended. Of one that has, it is the record: whoever waits for it need not ask. */
export const stillOpen = 'open';

/**
 * KEYS job, all, client, arrivals, open, request; ARGV id, arrivals seen (or nothing: whoever came does not matter), record, created,
 * open?, with a request?
 * A connection that breaks asks again, so that the second time must be as if it had not been.
 */
const commitScript = new Script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return ARGV[1] end
if ARGV[6] == '1' then
  local known = redis.call('GET', KEYS[6])
  if known then return known end
end
if ARGV[2] ~= '' and (redis.call('GET', KEYS[4]) or '0') ~= ARGV[2] then return 'again' end
redis.call('HSET', KEYS[1], 'version', '1', 'record', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('INCR', KEYS[4])
if ARGV[6] == '1' then redis.call('SET', KEYS[6], ARGV[1]) end
if ARGV[5] == '1' then redis.call('SADD', KEYS[5], ARGV[1]) end
return ARGV[1]`);

/**
 * KEYS job, open, progress; ARGV version seen, who wrote that, version, record, writer, what becomes of its being open (SADD, SREM or
 * nothing), id, channel, what is told there (or nothing: the record, after its writer). Versions alone would not do: Redis may have lost its
 * last second, and another has changed the job since.
 */
const updateScript = new Script(`
local known = redis.call('HMGET', KEYS[1], 'version', 'writer')
if known[2] == ARGV[5] then return 1 end
if known[1] ~= ARGV[1] or (known[2] or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'record', ARGV[4], 'writer', ARGV[5])
if ARGV[6] ~= '' then redis.call(ARGV[6], KEYS[2], ARGV[7]) end
if ARGV[6] == 'SREM' then redis.call('DEL', KEYS[3]) end
redis.call('PUBLISH', ARGV[8], ARGV[9] == '' and ARGV[5] .. ' ' .. ARGV[4] or ARGV[9])
return 1`);

/** KEYS job, all, client, arrivals, open, request, progress; ARGV id, channel, with a request? */
const removeScript = new Script(`
local there = redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[7])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('SREM', KEYS[5], ARGV[1])
if ARGV[3] == '1' then redis.call('DEL', KEYS[6]) end
if redis.call('EXISTS', KEYS[3]) == 0 then redis.call('DEL', KEYS[4]) end
redis.call('PUBLISH', ARGV[2], '')
return there`);

/** A record as it was seen here. */
interface Seen {
  readonly text: string;
  /** Who wrote it: no two records have the same. Empty for the first of a job. */
  readonly writer: string;
  readonly job: Job;
}

/**
 * Jobs that several servers and workers share: their records in Redis, their pictures in a storage. A result's name holds the
 * hash of its bytes, so that two machines which compute the same image, and differ in the last bit, never mix.
 */
export class RedisJobStore implements JobStore {
  /** By id, the one that was seen last at the end. */
  private readonly seen = new Map<string, Seen>();
  private seenSize = 0;

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
    return (await this.look(id))?.job;
  }

  /** A job, as it is remembered where that has ended, or the image at `place`, and else as it is now: an end is an end. */
  async getEnded(id: string, place?: number): Promise<Job | undefined> {
    const seen = this.seen.get(id)?.job;
    const image = place === undefined ? undefined : seen?.images[place];
    return seen && (hasEnded(seen) || (image && !isOpen(image))) ? seen : this.get(id);
  }

  /** Remembers what was told of a job, if that was its end. */
  hear(id: string, told: string): void {
    const [writer = '', text] = told.split(/ (.*)/s);
    if (text === undefined) return;
    try {
      const job = readJob(text);
      if (job.version > (this.seen.get(id)?.job.version ?? 0)) this.remember(id, { text, writer, job });
    } catch {
      // Whoever asks for it hears of it.
    }
  }

  /** Whether a client has jobs. */
  async knows(client: string): Promise<boolean> {
    return (await asking(this.connection.redis.exists(keys.client(client)))) > 0;
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

  /** What is remembered is tried first: where that is not the truth any more, the script says so. */
  async update(id: string, change: JobChange): Promise<Job | undefined> {
    const writer = randomUUID();
    const remembered = this.seen.get(id);
    let isTrue = remembered === undefined;
    for (let seen = remembered ?? (await this.look(id)); seen; seen = await this.look(id)) {
      const next = change(seen.job);
      if (next) {
        const job = { ...next, version: seen.job.version + 1 };
        const text = printJob(job);
        const stays = hasEnded(seen.job) === hasEnded(job);
        const open = stays ? '' : hasEnded(job) ? 'SREM' : 'SADD';
        const done = await updateScript.run(
          this.connection.redis,
          [keys.job(id), keys.open, progressOf(id)],
          [
            seen.job.version,
            seen.writer,
            job.version,
            text,
            writer,
            open,
            id,
            newsOf(id),
            hasEnded(job) ? '' : stillOpen,
          ],
        );
        if (done === 1) return this.remember(id, { text, writer, job }).job;
      } else if (isTrue) return undefined;
      isTrue = true;
    }
    return undefined;
  }

  async readSource(id: string, place: number): Promise<Uint8Array> {
    const bytes = await this.storage.read(sourceKey(id, place));
    if (bytes) return bytes;
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

  /**
   * The bytes of a result, as `openResult`, for whoever has the job and wants all of them.
   * @returns undefined where they are gone, or not what they were
   */
  async readResult({ id, images }: Job, place: number, output: number): Promise<Uint8Array | undefined> {
    const image = images[place];
    const sha256 = image?.state === 'done' ? image.results[output]?.sha256 : undefined;
    return sha256 === undefined ? undefined : readChecked(this.storage, resultKey(id, place, output, sha256), sha256);
  }

  /** Those of images that were given up stay: their owner may have them computed again. */
  async dropSources(id: string): Promise<void> {
    const images = (await this.getEnded(id))?.images ?? [];
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
    // Whose it is, and what it was asked for by, never changes.
    const job = this.seen.get(id)?.job ?? (await this.get(id));
    if (!job) return false;
    const removed = [...keysOf(job), progressOf(id)];
    const there = await removeScript.run(this.connection.redis, removed, [id, newsOf(id), job.request ? '1' : '0']);
    this.forget(id);
    await this.storage.deleteBelow(`jobs/${id}/`);
    return there === 1;
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
    const text = printJob(job);
    for (;;) {
      let arrivals = '';
      if (admit) {
        arrivals = (await asking(this.connection.redis.get(keys.arrivals(client)))) ?? '0';
        const known = request && (await this.find(client, request.key));
        if (known) return known;
        admit(await this.list(client));
      }
      const answer = await commitScript.run(this.connection.redis, keysOf(job), [
        ...[id, arrivals, text, Date.parse(created)],
        ...[hasEnded(job) ? '0' : '1', request ? '1' : '0'],
      ]);
      if (answer === id) return this.remember(id, { text, writer: '', job }).job;
      const other = answer === 'again' ? undefined : await this.get(String(answer));
      if (other) return other;
    }
  }

  /** A record as it is now. */
  private async look(id: string): Promise<Seen | undefined> {
    const [text, writer] = await asking(this.connection.redis.hmget(keys.job(id), 'record', 'writer'));
    if (text === null || text === undefined) {
      this.forget(id);
      return undefined;
    }
    const known = this.seen.get(id);
    const job = known?.text === text ? known.job : readJob(text);
    return this.remember(id, { text, writer: writer ?? '', job });
  }

  private remember(id: string, seen: Seen): Seen {
    this.forget(id);
    this.seen.set(id, seen);
    this.seenSize += seen.text.length;
    for (const [oldest] of this.seen) {
      if (this.seenSize <= mostSeen) break;
      this.forget(oldest);
    }
    return seen;
  }

  private forget(id: string): void {
    this.seenSize -= this.seen.get(id)?.text.length ?? 0;
    this.seen.delete(id);
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
}

/** What a job stands in. */
const keysOf = ({ id, client, request }: Job): string[] => [
  ...[keys.job(id), keys.all, keys.client(client), keys.arrivals(client), keys.open],
  keys.request(client, request?.key ?? ''),
];
const sourceKey = (id: string, place: number): string => `jobs/${id}/source-${place}`;
const resultKey = (id: string, place: number, output: number, sha256: string): string =>
  `jobs/${id}/result-${place}-${output}-${sha256}`;
