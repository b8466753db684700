import { expect, it } from 'vitest';
import { JobQueue } from '#src/server/jobs/job-queue.js';
import { bytesOf, newJob } from './support/jobs.js';
import { clientNamed } from './support/runner.js';

const alice = clientNamed('alice');
const images = (count: number): Uint8Array[] => Array.from({ length: count }, () => bytesOf('x'));

it('takes each image once, in turn between the jobs of a client, and those that were begun before last', () => {
  const queue = new JobQueue();
  const large = newJob(images(5), { pixels: 10 });
  const small = newJob(images(2), { pixels: 10 });
  const begun = { ...large, images: large.images.with(1, { ...large.images[1]!, state: 'queued', attempts: 1 }) };
  queue.add(begun, alice);
  queue.add(begun, alice);
  queue.add(small, alice);
  const taken: string[] = [];
  for (let image = queue.next(() => true); image; image = queue.next(() => true)) {
    taken.push(`${image.id === large.id ? 'large' : 'small'} ${image.place}`);
  }
  expect(taken).toEqual(['large 0', 'small 0', 'large 2', 'small 1', 'large 3', 'large 4', 'large 1']);
});

it('gives nothing that is not ready, and nothing of jobs that were released', () => {
  const queue = new JobQueue();
  const job = newJob(images(2));
  queue.add(job, alice);
  expect(queue.next(() => false)).toBeUndefined();
  expect(queue.next(({ attempts, lane }) => attempts === 0 && lane === alice)?.place).toBe(0);
  queue.remove(job.id);
  expect(queue.next(() => true)).toBeUndefined();
});
