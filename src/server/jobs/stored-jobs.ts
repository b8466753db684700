import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { unfinishedSuffix, writeDurably } from '../../storage/durable-file.js';
import { again, lose } from './job-changes.js';
import { jobFile, resultName, sourceName, type JobFolders } from './job-folders.js';
import { hasEnded, lostProblem, type Job, type JobImage } from './job.js';
import { printJob, readJob } from './stored-job.js';
import { asError, hasCode } from '../../errors.js';

/** Jobs read at once: disks like company, but not thousands of open files. */
const atOnce = 16;

/**
 * Reads all jobs of a folder, oldest first, and makes them agree with the files that are there. What is damaged, by a power cut
 * or by people, is reported and never stops the others. Throws the file system's error where that is unknown: the jobs stay
 * as they are, for a start at which they can be read.
 */
export async function readStoredJobs(folders: JobFolders, warn: (message: string) => void): Promise<Job[]> {
  const names = await readdir(folders.jobs);
  const jobs: Job[] = [];
  for (let from = 0; from < names.length; from += atOnce) {
    const some = await Promise.all(names.slice(from, from + atOnce).map((name) => readOne(folders, name, warn)));
    jobs.push(...some.filter((job) => job !== undefined));
  }
  return jobs.sort((a, b) => (a.created === b.created ? 0 : a.created < b.created ? -1 : 1));
}

async function readOne(folders: JobFolders, name: string, warn: (message: string) => void): Promise<Job | undefined> {
  const folder = folders.of(name);
  const job = await readUndamaged(name, folder);
  if (job instanceof Error) {
    await folders.setAside(name).then(
      (aside) => {
        warn(`job ${name} can't be read and was moved to ${aside}: ${job.message}`);
      },
      () => {
        warn(`job ${name} can't be read: ${job.message}`);
      },
    );
    return undefined;
  }
  const whole = await withoutLosses(job, folder);
  if (whole !== job) {
    warn(`a part of job ${name} was lost; what can't be made again fails`);
    await writeDurably(join(folder, jobFile), printJob(whole));
  }
  // They only take room, and go at a later start.
  await removeStrayFiles(whole, folder).catch(() => undefined);
  return whole;
}

/** A job, or what is wrong with it. Throws where the disk is what is wrong, which may pass. */
async function readUndamaged(name: string, folder: string): Promise<Job | Error> {
  let text: string;
  try {
    text = await readFile(join(folder, jobFile), 'utf8');
  } catch (error) {
    if (error instanceof Error && hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return error;
    throw error;
  }
  try {
    const job = readJob(text);
    return job.id === name ? job : new Error(`it says that it is job ${job.id}`);
  } catch (error) {
    return asError(error);
  }
}

/** A job whose images have what their states promise: those that have not are made again, or have failed. */
async function withoutLosses(job: Job, folder: string): Promise<Job> {
  if (job.expired || job.state === 'cancelled') return job;
  let whole = job;
  for (const [place, image] of job.images.entries()) {
    if (image.state === 'failed') continue;
    if (image.state === 'done' && (await hasResults(image, place, folder))) continue;
    const canCompute = !hasEnded(job) && (await hasSize(join(folder, sourceName(place)), image.source.bytes));
    if (canCompute && image.state !== 'done') continue;
    const mended = canCompute ? again(whole, place) : lose(whole, place, lostProblem, new Date());
    whole = { ...mended, version: whole.version + 1 };
  }
  return whole;
}

/** Removes files that a killed process had no time for: half of them written, or no longer needed. */
async function removeStrayFiles(job: Job, folder: string): Promise<void> {
  const needed = new Set([jobFile]);
  if (!job.expired && job.state !== 'cancelled') {
    for (const [place, { state, variants }] of job.images.entries()) {
      if (state === 'done') for (const output of variants.keys()) needed.add(resultName(place, output));
      if (!hasEnded(job)) needed.add(sourceName(place));
    }
  }
  for (const name of await readdir(folder)) {
    const ours = name.endsWith(unfinishedSuffix) || /^(?:source-\d+|result-\d+(?:-\d+)?)$/.test(name);
    if (ours && !needed.has(name)) await rm(join(folder, name), { force: true });
  }
}

async function hasResults(
  { results }: Extract<JobImage, { state: 'done' }>,
  place: number,
  folder: string,
): Promise<boolean> {
  const checks = results.map(({ bytes }, output) => hasSize(join(folder, resultName(place, output)), bytes));
  return !(await Promise.all(checks)).includes(false);
}

async function hasSize(file: string, bytes: number): Promise<boolean> {
  try {
    return (await stat(file)).size === bytes;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
