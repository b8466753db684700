import { describe, expect, it } from 'vitest';
import { begin, finish } from '#src/server/jobs/job-changes.js';
import { admitJob } from '#src/server/jobs/job-limits.js';
import { storedBytes, waitingFiles, waitingPixels, type Job } from '#src/server/jobs/job.js';
import { defaultLimits } from '#src/server/service/limits.js';
import { bytesOf, newJob, resultOf, type JobOptions } from './support/jobs.js';

const limits = { ...defaultLimits, storedBytesPerClient: 1000 };
const busy = expect.objectContaining({ status: 429, code: 'BUSY' }) as unknown;

function jobOf(images: number, options: JobOptions = {}): Job {
  return newJob(
    Array.from({ length: images }, () => bytesOf('x')),
    options,
  );
}

function done(job: Job): Job {
  const running = begin(job, 0)!;
  return finish(running, 0, { results: [resultOf(bytesOf('result'))] }, new Date())!;
}

describe('the limits of a client’s jobs', () => {
  it('reckon with results that are not there yet', () => {
    const job = jobOf(1, { resultPixels: 600 });
    expect(() => {
      admitJob(job, [jobOf(1, { resultPixels: 300 })], limits);
    }).not.toThrow();
    expect(() => {
      admitJob(job, [jobOf(1, { resultPixels: 500 })], limits);
    }).toThrow(busy);
    // What it has become is known now.
    expect(() => {
      admitJob(job, [done(jobOf(1, { resultPixels: 500 }))], limits);
    }).not.toThrow();
  });

  it('refuse no single job for what it may become', () => {
    expect(() => {
      admitJob(jobOf(1, { resultPixels: 5000 }), [], limits);
    }).not.toThrow();
  });

  it('refuse several files of each image that are too much together', () => {
    const variants = [2, 4].map((upscale) => ({ upscale, model: 'natural' }));
    expect(() => {
      admitJob(jobOf(1, { resultPixels: 5000, variants }), [], limits);
    }).toThrow(expect.objectContaining({ status: 422, code: 'OUTPUT_TOO_LARGE' }));
    expect(() => {
      admitJob(jobOf(1, { resultPixels: 900, variants }), [], limits);
    }).not.toThrow();
  });

  it('count every file that an image becomes, and every size as work', () => {
    const variants = [2, 4].flatMap((upscale) =>
      (['avif', 'webp'] as const).map((format) => ({ upscale, model: 'natural', format })),
    );
    const job = jobOf(3, { pixels: 10, variants });
    expect(waitingFiles(job)).toBe(12);
    expect(waitingPixels(job)).toBe(60);
    const results = [1, 20, 300, 4000].map((bytes) => ({ ...resultOf(bytesOf('result')), bytes }));
    const ended = finish(begin(job, 0)!, 0, { results }, new Date())!;
    expect(storedBytes(ended)).toBe(4321 + 3 * bytesOf('x').length);
    expect([waitingFiles(ended), waitingPixels(ended)]).toEqual([8, 40]);
  });

  it('hold for images, however small', () => {
    const waiting = Array.from({ length: 99 }, () => jobOf(100));
    const roomy = { ...limits, storedBytesPerClient: 1e9 };
    expect(() => {
      admitJob(jobOf(100), waiting, roomy);
    }).not.toThrow();
    expect(() => {
      admitJob(jobOf(100), [...waiting, jobOf(1)], roomy);
    }).toThrow(busy);
  });
});
