import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { codeOf, UpresError } from '../../errors.js';
import { openChecked } from '../../storage/checked.js';
import { tellingDisk } from '../../storage/disk-errors.js';
import { syncFolder, writeDurably, writeNew } from '../../storage/durable-file.js';
import { FolderStorage } from '../../storage/folder-storage.js';
import type { BytePart } from '../../storage/storage.js';
import { FolderLock } from './folder-lock.js';
import { JobFolders, jobFile, resultName, sourceName } from './job-folders.js';
import { JobIndex } from './job-index.js';
import type { Job, JobImage } from './job.js';
import type { JobChange, JobDraft, JobStore } from './job-store.js';
import { printJob } from './stored-job.js';
import { readStoredJobs } from './stored-jobs.js';

/**
 * Jobs in a folder, one folder for each: its sources, its results, and `job.json`, which is only ever replaced whole. A job's
 * folder gets its name once everything in it is on the disk, so a job is there or it is not, whenever the power goes.
 *
 * What is in memory is a copy of what is on the disk, never ahead of it. One process at a time.
 */
export class FileJobStore implements JobStore {
  private readonly index = new JobIndex();
  /** Where a job has a folder; bytes that come too late make none. */
  private readonly bytes: FolderStorage;
  /** The last change of each job that is being changed: changes of one job go one after the other. */
  private readonly changing = new Map<string, Promise<unknown>>();

  private constructor(
    private readonly folders: JobFolders,
    private readonly lock: FolderLock,
  ) {
    this.bytes = new FolderStorage(folders.jobs, { makeFolders: false });
  }

  /**
   * Opens the folder, makes it where there is none, and tidies away what a killed process left.
   * @param warn told about jobs that are damaged: they are moved aside, or their images fail
   * @throws BAD_ARGUMENT while another server uses the folder, and where it can't be used
   */
  static async open(folder: string, warn: (message: string) => void = () => undefined): Promise<FileJobStore> {
    const unusable = (error: unknown): never => {
      throw folderError(error, folder);
    };
    const folders = await JobFolders.make(folder).catch(unusable);
    const lock = await FolderLock.take(folders.root).catch(unusable);
    try {
      await folders.tidy();
      const store = new FileJobStore(folders, lock);
      for (const job of await readStoredJobs(folders, warn)) store.index.set(job);
      return store;
    } catch (error) {
      await lock.release();
      return unusable(error);
    }
  }

  async draft(): Promise<JobDraft> {
    const folder = join(this.folders.drafts, randomBytes(16).toString('base64url'));
    await this.telling(() => mkdir(folder, { mode: 0o700 }));
    const discard = (): Promise<void> => rm(folder, { recursive: true, force: true });
    return {
      addSource: (place, bytes) => this.telling(() => writeNew(join(folder, sourceName(place)), bytes)),
      commit: (job, admit) => this.telling(() => this.commit(folder, job, admit)).finally(discard),
      discard,
    };
  }

  get(id: string): Promise<Job | undefined> {
    return Promise.resolve(this.index.get(id));
  }

  find(client: string, key: string): Promise<Job | undefined> {
    return Promise.resolve(this.index.find(client, key));
  }

  list(client?: string): Promise<readonly Job[]> {
    return Promise.resolve(this.index.list(client));
  }

  update(id: string, change: JobChange): Promise<Job | undefined> {
    return this.inTurn(id, async () => {
      const job = this.index.get(id);
      const next = job && change(job);
      if (!next) return undefined;
      const changed = { ...next, version: job.version + 1 };
      const folder = this.folders.of(id);
      try {
        await this.telling(() => writeDurably(join(folder, jobFile), printJob(changed)));
      } catch (error) {
        if (existsSync(folder)) throw error;
        // It was removed by hand: then there is no such job.
        this.index.delete(id);
        return undefined;
      }
      this.index.set(changed);
      return changed;
    });
  }

  async readSource(id: string, place: number): Promise<Uint8Array> {
    const bytes = this.index.get(id) && (await this.bytes.get(keyOf(id, sourceName(place))));
    if (bytes) return buffer(bytes);
    throw new UpresError('INPUT_NOT_FOUND', 'the image was lost on the server: send it again');
  }

  async writeResult(id: string, place: number, output: number, bytes: Uint8Array): Promise<void> {
    if (this.index.get(id)) await this.bytes.put(keyOf(id, resultName(place, output)), bytes);
  }

  async openResult(
    id: string,
    place: number,
    output: number,
    part?: BytePart,
  ): Promise<Readable | 'damaged' | undefined> {
    const image = this.index.get(id)?.images[place];
    if (!image) return undefined;
    const told = image.state === 'done' ? image.results[output]?.sha256 : undefined;
    return openChecked(this.bytes, keyOf(id, resultName(place, output)), told, part);
  }

  async dropSources(id: string): Promise<void> {
    await this.drop(id, (_, place) => [sourceName(place)]);
  }

  async dropResults(id: string): Promise<void> {
    await this.drop(id, ({ variants }, place) => variants.map((_, output) => resultName(place, output)));
  }

  remove(id: string): Promise<boolean> {
    return this.inTurn(id, async () => {
      if (!this.index.get(id)) return false;
      await this.telling(() => this.folders.discard(id));
      this.index.delete(id);
      return true;
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.changing.values());
    await this.lock.release();
  }

  private async commit(draft: string, job: Job, admit: ((kept: readonly Job[]) => void) | undefined): Promise<Job> {
    const { client, request } = job;
    // Two requests of one key wait for each other; others only for the disk.
    return this.inTurn(request ? `request ${client} ${request.key}` : job.id, async () => {
      const known = request && this.index.find(client, request.key);
      if (known) return known;
      // From here on it counts, so that two at once don't share the same room.
      admit?.(this.index.withPending(client));
      const arrived = this.index.expect(job);
      try {
        const folder = this.folders.of(job.id);
        await writeNew(join(draft, jobFile), printJob(job));
        await syncFolder(draft);
        await rename(draft, folder);
        try {
          await syncFolder(this.folders.jobs);
        } catch (error) {
          // Its client is told that there is no such job, so none must turn up at the next start.
          await this.folders.discard(job.id);
          throw error;
        }
        this.index.set(job);
        return job;
      } finally {
        arrived();
      }
    });
  }

  private async drop(id: string, namesOf: (image: JobImage, place: number) => string[]): Promise<void> {
    const names = this.index.get(id)?.images.flatMap(namesOf) ?? [];
    await this.bytes.delete(names.map((name) => keyOf(id, name)));
  }

  private telling<T>(work: () => Promise<T>): Promise<T> {
    return tellingDisk(this.folders.root, work, this.folders.drafts);
  }

  private async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.changing.get(key) ?? Promise.resolve();
    const own = before.then(work, work);
    this.changing.set(key, own);
    try {
      return await own;
    } finally {
      if (this.changing.get(key) === own) this.changing.delete(key);
    }
  }
}

/** Of a job's file, below the folder of all jobs. */
const keyOf = (id: string, name: string): string => `${id}/${name}`;

/** Why a folder is none in which jobs can be kept, by the system's code. */
const folderFaults: Readonly<Record<string, string>> = {
  EACCES: 'it, or a folder above it, may not be read or written: check its permissions',
  EEXIST: 'there is a file of that name',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'it is not there and can’t be made',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full',
  ENOTDIR: 'a file stands in its way',
  EPERM: 'it may not be written: check its permissions',
  EROFS: 'the disk is read-only',
};

/** What the system says of a folder, as an error that names it; ours stay as they are. */
function folderError(cause: unknown, folder: string): unknown {
  const code = codeOf(cause);
  if (cause instanceof UpresError || code === undefined || !(cause instanceof Error)) return cause;
  const what = 'path' in cause && typeof cause.path === 'string' && cause.path !== folder ? `${cause.path}: ` : '';
  const message = `jobs can't be kept in ${folder}: ${what}${folderFaults[code] ?? cause.message}`;
  return new UpresError('BAD_ARGUMENT', message, { file: folder, cause });
}
