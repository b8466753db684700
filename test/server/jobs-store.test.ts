import { mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { begin, cancel, finish } from '#src/server/jobs/job-changes.js';
import { FileJobStore } from '#src/server/jobs/file-job-store.js';
import { newJobId, type Job } from '#src/server/jobs/job.js';
import { temporaryFolder } from '../support/folders.js';
import { bytesOf, newJob, readResult, resultOf, submit } from './support/jobs.js';

const twoSources = [bytesOf('first'), bytesOf('second')];
const result = bytesOf('a result');

/** Ends an image as the runner does. */
async function complete(store: FileJobStore, id: string, place: number): Promise<Job | undefined> {
  await store.update(id, (job) => begin(job, place));
  await store.writeResult(id, place, 0, result);
  return store.update(id, (job) => finish(job, place, { results: [resultOf(result)] }, new Date()));
}

async function reopen(folder: string, store: FileJobStore): Promise<{ store: FileJobStore; warnings: string[] }> {
  await store.close();
  const warnings: string[] = [];
  return { store: await FileJobStore.open(folder, (message) => warnings.push(message)), warnings };
}

it('ids of jobs are never taken for an option', () => {
  const ids = Array.from({ length: 2000 }, newJobId);
  expect(ids.filter((id) => !/^\w[\w-]{21}$/.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(2000);
});

describe('a store in a folder', () => {
  it('keeps jobs and their bytes over a restart', async () => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const job = await submit(first, twoSources, { key: 'k' });
    const changed = await complete(first, job.id, 0);
    const { store, warnings } = await reopen(folder, first);
    expect(await store.get(job.id)).toEqual(changed);
    expect(changed?.version).toBe(job.version + 2);
    expect(await store.find('alice', 'k')).toEqual(changed);
    expect(Buffer.from(await store.readSource(job.id, 1)).toString()).toBe('second');
    expect(await readResult(store, job.id, 0)).toEqual(Buffer.from(result));
    expect(await readResult(store, job.id, 1)).toBeUndefined();
    expect(warnings).toEqual([]);
    await store.close();
  });

  it.skipIf(process.platform === 'win32')('lets no one else look in', async () => {
    const folder = join(temporaryFolder(), 'deep', 'inside');
    const store = await FileJobStore.open(folder);
    const { id } = await submit(store, twoSources);
    await complete(store, id, 0);
    const modes = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
    for (const name of ['', 'jobs', `jobs/${id}`]) expect(await modes(join(folder, name))).toBe(0o700);
    for (const name of ['job.json', 'source-0', 'result-0']) {
      expect(await modes(join(folder, 'jobs', id, name))).toBe(0o600);
    }
    await store.close();
  });

  it('lists a client’s jobs in the order in which they came', async () => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const own: string[] = [];
    for (let i = 0; i < 4; i++) {
      own.push((await submit(first, [bytesOf('x')], { client: 'a', created: new Date(1000 + i) })).id);
      await submit(first, [bytesOf('x')], { client: 'b', created: new Date(1000 + i) });
    }
    const { store } = await reopen(folder, first);
    expect((await store.list('a')).map(({ id }) => id)).toEqual(own);
    expect(await store.list()).toHaveLength(8);
    expect(await store.list('c')).toEqual([]);
    await store.close();
  });

  it('makes one job of one key, and keys are their client’s own', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const same = await Promise.all(
      Array.from({ length: 8 }, () => submit(store, twoSources, { client: 'a', key: 'k' })),
    );
    expect(new Set(same.map(({ id }) => id)).size).toBe(1);
    const other = await submit(store, twoSources, { client: 'b', key: 'k' });
    expect(other.id).not.toBe(same[0]!.id);
    expect(await store.list()).toHaveLength(2);
    await store.remove(same[0]!.id);
    expect(await store.find('a', 'k')).toBeUndefined();
    expect((await submit(store, twoSources, { client: 'a', key: 'k' })).id).not.toBe(same[0]!.id);
    await store.close();
  });

  it('never shows the same room to two jobs', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const commits = Array.from({ length: 10 }, async () => {
      const draft = await store.draft();
      await draft.addSource(0, bytesOf('x'));
      return draft.commit(newJob([bytesOf('x')]), (kept) => {
        if (kept.length >= 3) throw new Error('full');
      });
    });
    const outcomes = await Promise.allSettled(commits);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await store.list()).toHaveLength(3);
    await store.close();
  });

  it('leaves nothing of drafts that became no job, and of jobs that were removed', async () => {
    const folder = temporaryFolder();
    const store = await FileJobStore.open(folder);
    const draft = await store.draft();
    await draft.addSource(0, bytesOf('x'));
    await draft.discard();
    const { id } = await submit(store, twoSources);
    expect(await store.remove(id)).toBe(true);
    expect(await store.remove(id)).toBe(false);
    expect(await store.update(id, (job) => job)).toBeUndefined();
    for (const name of ['jobs', 'drafts', 'trash']) expect(await readdir(join(folder, name))).toEqual([]);
    await store.close();
  });

  it('forgets a job whose folder someone has removed', async () => {
    const folder = temporaryFolder();
    const store = await FileJobStore.open(folder);
    const { id } = await submit(store, twoSources);
    await rm(join(folder, 'jobs', id), { recursive: true });
    expect(await store.update(id, (job) => begin(job, 0))).toBeUndefined();
    expect(await store.list()).toEqual([]);
    await store.close();
  });

  it('whose disk takes no changes any more says so, lets jobs be read, and can be closed', async () => {
    const folder = temporaryFolder();
    const store = await FileJobStore.open(folder);
    const { id } = await submit(store, twoSources);
    // As where the system has made it read-only, which no test may do.
    for (const name of ['drafts', 'trash']) {
      await rm(join(folder, name), { recursive: true, force: true });
      await writeFile(join(folder, name), '');
    }
    await expect(submit(store, twoSources)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await expect(store.remove(id)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(Buffer.from(await store.readSource(id, 1)).toString()).toBe('second');
    await store.close();
  });

  it('whose folder is gone, or mounted no more, says so', async () => {
    const folder = join(temporaryFolder(), 'store');
    const store = await FileJobStore.open(folder);
    const draft = await store.draft();
    await rm(folder, { recursive: true });
    const unavailable = { code: 'STORAGE_UNAVAILABLE', message: `${folder} can’t be used: ENOENT` };
    await expect(store.draft()).rejects.toMatchObject(unavailable);
    await expect(draft.addSource(0, Buffer.from('first'))).rejects.toMatchObject(unavailable);
    await store.close();
  });

  it('finds nothing under names that are no job’s', async () => {
    const folder = temporaryFolder();
    const store = await FileJobStore.open(join(folder, 'store'));
    await mkdir(join(folder, 'outside'));
    await writeFile(join(folder, 'outside', 'source-0'), 'secret');
    for (const id of ['../../outside', '', '.', 'x'.repeat(22), '__proto__']) {
      expect(await store.get(id)).toBeUndefined();
      expect(await readResult(store, id, 0)).toBeUndefined();
      await expect(store.readSource(id, 0)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    }
    await store.close();
  });
});

describe.skipIf(process.platform === 'win32')('a folder that can’t be used', () => {
  it.each<[string, (inside: string) => string | Promise<string>, string]>([
    ['a file', (inside) => writeFile(join(inside, 'f'), '').then(() => join(inside, 'f')), 'a file'],
    ['below a file', (inside) => writeFile(join(inside, 'f'), '').then(() => join(inside, 'f', 'jobs')), 'a file'],
    ['below a device', () => '/dev/null/jobs', 'a file'],
    ['where nothing can be made', () => '/proc/upres/jobs', 'can’t be made'],
    ['too long a name', (inside) => join(inside, 'x'.repeat(300)), 'too long'],
    ['a circle', (inside) => symlink(join(inside, 'l'), join(inside, 'l')).then(() => join(inside, 'l')), 'circle'],
    ['jobs that are a file', (inside) => writeFile(join(inside, 'jobs'), '').then(() => inside), 'a file'],
  ])('%s', async (_, make, why) => {
    const folder = await make(temporaryFolder());
    const error = await FileJobStore.open(folder).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'BAD_ARGUMENT', file: folder });
    expect(String(error)).toContain(why);
  });
});

describe('after a power cut', () => {
  it.each([
    ['empty', 0],
    ['half', 100],
  ])('a job’s file that is %s is moved aside, and the others live on', async (_, length) => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const damaged = await submit(first, twoSources);
    const whole = await submit(first, twoSources);
    await truncate(join(folder, 'jobs', damaged.id, 'job.json'), length);
    const { store, warnings } = await reopen(folder, first);
    expect((await store.list()).map(({ id }) => id)).toEqual([whole.id]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(damaged.id);
    const [aside] = await readdir(join(folder, 'damaged'));
    expect(await readdir(join(folder, 'damaged', aside!))).toContain('source-0');
    await store.close();
  });

  it('a job that says what can’t be is moved aside', async () => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const job = await submit(first, twoSources);
    const file = join(folder, 'jobs', job.id, 'job.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"state":"queued"', '"state":"done"'));
    await mkdir(join(folder, 'jobs', 'no-job'));
    const { store, warnings } = await reopen(folder, first);
    expect(await store.list()).toEqual([]);
    expect(warnings).toHaveLength(2);
    await store.close();
  });

  it.skipIf(process.platform === 'win32')('a job that can’t be read now stays for a better start', async () => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const job = await submit(first, twoSources);
    await first.close();
    const file = join(folder, 'jobs', job.id, 'job.json');
    const text = await readFile(file, 'utf8');
    await rm(file);
    // A link to itself: an error of the file system's that root gets too.
    await symlink(file, file);
    await expect(FileJobStore.open(folder)).rejects.toMatchObject({ code: 'BAD_ARGUMENT', cause: { code: 'ELOOP' } });
    await rm(file);
    await writeFile(file, text);
    const store = await FileJobStore.open(folder);
    expect(await store.get(job.id)).toEqual(job);
    await store.close();
  });

  it('leftovers that can’t be removed take no job away', async () => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const job = await submit(first, twoSources);
    await mkdir(join(folder, 'jobs', job.id, 'abc.part'));
    const { store, warnings } = await reopen(folder, first);
    expect(await store.get(job.id)).toEqual(job);
    expect(warnings).toEqual([]);
    await store.close();
  });

  it('drafts, half-written files and results that no one knows of are gone', async () => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const { id } = await submit(first, twoSources);
    await first.writeResult(id, 1, 0, result);
    await writeFile(join(folder, 'jobs', id, 'abc.part'), 'half');
    const draft = await first.draft();
    await draft.addSource(0, bytesOf('x'));
    await mkdir(join(folder, 'trash', 'gone'));
    const { store } = await reopen(folder, first);
    expect((await readdir(join(folder, 'jobs', id))).sort()).toEqual(['job.json', 'source-0', 'source-1']);
    expect(await readdir(join(folder, 'drafts'))).toEqual([]);
    expect(await readdir(join(folder, 'trash'))).toEqual([]);
    await store.close();
  });

  it('a result that was lost is made again while that can be done, and has failed where it can’t', async () => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const unfinished = await submit(first, twoSources);
    await complete(first, unfinished.id, 0);
    await rm(join(folder, 'jobs', unfinished.id, 'result-0'));
    const finished = await submit(first, [bytesOf('x')]);
    await complete(first, finished.id, 0);
    await first.dropSources(finished.id);
    await truncate(join(folder, 'jobs', finished.id, 'result-0'), 3);
    const sourceless = await submit(first, twoSources);
    await rm(join(folder, 'jobs', sourceless.id, 'source-1'));

    const { store, warnings } = await reopen(folder, first);
    expect((await store.get(unfinished.id))?.images.map(({ state }) => state)).toEqual(['queued', 'queued']);
    expect((await store.get(finished.id))?.state).toBe('failed');
    expect((await store.get(sourceless.id))?.images.map(({ state }) => state)).toEqual(['queued', 'failed']);
    expect(warnings).toHaveLength(3);

    const again = await reopen(folder, store);
    expect(again.warnings).toEqual([]);
    await again.store.close();
  });

  it('an image that was to become several files has all of them, or is made again', async () => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const variants = [2, 4].map((upscale) => ({ upscale, model: 'natural' }));
    const job = await submit(first, twoSources, { variants });
    for (const place of [0, 1]) {
      await first.update(job.id, (now) => begin(now, place));
      for (const output of [0, 1]) await first.writeResult(job.id, place, output, result);
    }
    const results = [resultOf(result), resultOf(result)];
    await first.update(job.id, (now) => finish(now, 0, { results }, new Date()));
    const own = join(folder, 'jobs', job.id);
    const whole = await reopen(folder, first);
    // Of the second, no client was told.
    expect((await readdir(own)).sort()).toEqual(['job.json', 'result-0', 'result-0-1', 'source-0', 'source-1']);
    expect(await readResult(whole.store, job.id, 0, 1)).toEqual(Buffer.from(result));
    expect(whole.warnings).toEqual([]);
    await rm(join(own, 'result-0-1'));
    const { store, warnings } = await reopen(folder, whole.store);
    expect((await store.get(job.id))?.images[0]?.state).toBe('queued');
    expect(warnings).toHaveLength(1);
    await store.close();
  });

  it('data of jobs that have ended, for which there was no time, is gone', async () => {
    const folder = temporaryFolder();
    const first = await FileJobStore.open(folder);
    const done = await submit(first, [bytesOf('x')]);
    await complete(first, done.id, 0);
    const cancelled = await submit(first, twoSources);
    await complete(first, cancelled.id, 0);
    await first.update(cancelled.id, (job) => cancel(job, new Date()));
    const { store } = await reopen(folder, first);
    expect((await readdir(join(folder, 'jobs', done.id))).sort()).toEqual(['job.json', 'result-0']);
    expect(await readdir(join(folder, 'jobs', cancelled.id))).toEqual(['job.json']);
    await store.close();
  });
});
