import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { JobEvents, type JobEventsOptions } from '#src/server/jobs/job-events.js';
import { cancel } from '#src/server/jobs/job-changes.js';
import type { Job } from '#src/server/jobs/job.js';
import { bytesOf, newJob } from './support/jobs.js';

/** A job that can be changed, and how often a listener was notified. */
function subject(options: Partial<JobEventsOptions> = {}): {
  readonly events: JobEvents;
  readonly change: (next: Partial<Job>) => void;
  readonly counts: { described: number; listening: number };
} {
  let job: Job = newJob([bytesOf('x')]);
  let tell: () => void = () => undefined;
  const counts = { described: 0, listening: 0 };
  const events = new JobEvents({
    current: () => Promise.resolve({ job, progress: { donePixels: 0, totalPixels: 1 } }),
    listen: (listener) => {
      counts.listening++;
      tell = listener;
      return () => {
        counts.listening--;
      };
    },
    closed: () => false,
    describe: ({ version, state }) => {
      counts.described++;
      return { version, state, text: 'x'.repeat(1000) };
    },
    seen: undefined,
    ...options,
  });
  return {
    events,
    counts,
    change: (next) => {
      job = { ...job, version: job.version + 1, ...next };
      tell();
    },
  };
}

describe('the events of a job', () => {
  it('wait for a client that does not read, and then tell only how it is', async () => {
    const { events, change, counts } = subject();
    for (let i = 0; i < 2000; i++) {
      change({});
      await turn();
    }
    // What is made fits into the stream's own room, however much has happened.
    expect(counts.described).toBeLessThan(25);
    expect(events.readableLength).toBeLessThan(25 * 1100);
    change({ ...cancel(newJob([bytesOf('x')]), new Date()), version: 3000 });
    let text = '';
    for await (const chunk of events) text += String(chunk);
    expect(text.match(/^event: done$/gm)).toHaveLength(1);
    expect(text).toMatch(/id: 3000\nevent: done\ndata: \{"version":3000,"state":"cancelled".*\}\n\n$/);
    expect(counts.listening).toBe(0);
  });

  it('listen no longer to anything when the client has left', async () => {
    const { events, change, counts } = subject();
    await turn();
    events.destroy();
    await turn();
    const { described } = counts;
    change({});
    await turn();
    expect(counts).toEqual({ described, listening: 0 });
  });

  it('send nothing after the end, however late it is read', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { events, change } = subject();
      events.read(0);
      change({ ...cancel(newJob([bytesOf('x')]), new Date()), version: 3 });
      await turn();
      vi.advanceTimersByTime(60_000);
      change({});
      await turn();
      let text = '';
      for await (const chunk of events) text += String(chunk);
      expect(text).toMatch(/event: done\n.*\n\n$/);
    } finally {
      vi.useRealTimers();
    }
  });

  it('end without an end of the job when the server ends, and when the job is gone', async () => {
    for (const options of [{ closed: () => true }, { current: () => Promise.resolve(undefined) }]) {
      const { events, counts } = subject(options);
      let text = '';
      for await (const chunk of events) text += String(chunk);
      expect(text).not.toContain('done');
      expect(counts.listening).toBe(0);
    }
  });
});
