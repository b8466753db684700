import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeFolder, syncFolder, syncParents } from '../../storage/durable-file.js';

/** In a job's folder: what is known of it. */
export const jobFile = 'job.json';
/** In a job's folder: an image as it came. */
export const sourceName = (place: number): string => `source-${place}`;
/** In a job's folder: the files that became of it, by their order in its variants. */
export const resultName = (place: number, output: number): string =>
  output === 0 ? `result-${place}` : `result-${place}-${output}`;

/** The places of a store on disk. Only the user can look into them. */
export class JobFolders {
  /** A folder for each job, named by its id. */
  readonly jobs: string;
  /** Jobs on their way in: worth nothing until they are renamed. */
  readonly drafts: string;
  /** What is being removed: a folder goes in one step, its files take several. */
  private readonly trash: string;
  /** Jobs that could not be read, for their owner to look at. */
  readonly damaged: string;

  private constructor(readonly root: string) {
    this.jobs = join(root, 'jobs');
    this.drafts = join(root, 'drafts');
    this.trash = join(root, 'trash');
    this.damaged = join(root, 'damaged');
  }

  /** Makes what is not there. Throws the file system's error. */
  static async make(root: string): Promise<JobFolders> {
    const folders = new JobFolders(root);
    const made = await makeFolder(resolve(root));
    for (const folder of [folders.jobs, folders.drafts, folders.trash]) await makeFolder(folder);
    // A job is on the disk only when the names of all folders above it are.
    await syncFolder(root);
    if (made !== undefined) await syncParents(resolve(root), made);
    return folders;
  }

  /** The folder of a job. Only for ids of jobs that are known. */
  of(id: string): string {
    return join(this.jobs, id);
  }

  /** Removes what a killed process left half done. Only for who holds the lock. */
  async tidy(): Promise<void> {
    for (const folder of [this.drafts, this.trash]) {
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  /** Removes a job's folder: from now on it is not there, whatever happens. */
  async discard(name: string): Promise<void> {
    const gone = join(this.trash, randomBytes(8).toString('hex'));
    await rename(join(this.jobs, name), gone);
    await syncFolder(this.jobs);
    await rm(gone, { recursive: true, force: true });
  }

  /** Moves a job that can't be read out of the way. */
  async setAside(name: string): Promise<string> {
    await mkdir(this.damaged, { recursive: true, mode: 0o700 });
    const aside = join(this.damaged, `${randomBytes(4).toString('hex')}-${name}`);
    await rename(join(this.jobs, name), aside);
    return aside;
  }
}
