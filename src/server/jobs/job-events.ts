import { Readable } from 'node:stream';
import type { JobProgress } from './job-progress.js';
import { hasEnded, newsVersion, type Job } from './job.js';
import { asError } from '../../errors.js';

export interface JobEventsOptions {
  /** The job as it is now, and how far it is; undefined when it is gone. */
  readonly current: () => Promise<{ readonly job: Job; readonly progress: JobProgress } | undefined>;
  /** Calls back on changes until the function that it returns is called. */
  readonly listen: (listener: () => void) => () => void;
  /** Whether the server ends: clients come again then. */
  readonly closed: () => boolean;
  /** What is sent of a job when it has changed; in between it is the progress. */
  readonly describe: (job: Job, progress: JobProgress) => unknown;
  /** The version of the job that the client has seen, from its `Last-Event-ID`. */
  readonly seen: number | undefined;
}

/** Milliseconds between two reports of progress: people see no more. */
const calm = 200;
/** Milliseconds of silence after which a comment is sent, since proxies cut connections that seem dead. */
const heartbeat = 15_000;
/** What a browser waits with before it comes again, in milliseconds. */
const retry = 1000;

/**
 * A job's way as server-sent events: `state` with the job whenever it has changed, `progress` in between, and one `done` with
 * the job at its end, whichever that is; then the stream ends. Those with an id are what `Last-Event-ID` counts by.
 *
 * Events are made when the client has room for them, from what the job is then: a client that reads slowly misses steps but
 * costs no memory, and one that has left costs nothing.
 */
export class JobEvents extends Readable {
  private readonly unlisten: () => void;
  private readonly heart: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  private seen: number;
  private lastProgress = '';
  private lastSent = -Infinity;
  private wanted = false;
  private changed = true;
  private working = false;
  /** The last event was made; the client may not have read it yet. */
  private over = false;

  constructor(private readonly options: JobEventsOptions) {
    super({ highWaterMark: 16 * 1024 });
    this.seen = options.seen ?? -1;
    this.unlisten = options.listen(() => {
      this.changed = true;
      // At once: what is asked for may not be answered any more.
      if (options.closed() && !this.over) this.finish();
      this.work();
    });
    this.heart = setInterval(() => {
      if (this.wanted) this.send(': still here\n\n');
    }, heartbeat);
    this.heart.unref();
    // At once, so that a client knows that it is connected.
    this.push(`retry: ${retry}\n\n`);
  }

  override _read(): void {
    this.wanted = true;
    this.work();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.unlisten();
    clearInterval(this.heart);
    clearTimeout(this.timer);
    callback(error);
  }

  /** Sends what has changed, if the client wants it. */
  private work(): void {
    if (!this.wanted || !this.changed || this.working || this.over || this.destroyed || this.timer) return;
    this.working = true;
    this.changed = false;
    this.options.current().then(
      (now) => {
        this.working = false;
        if (this.destroyed || this.over) return;
        this.report(now?.job, now?.progress);
        this.work();
      },
      (error: unknown) => {
        this.destroy(asError(error));
      },
    );
  }

  private report(job: Job | undefined, progress: JobProgress | undefined): void {
    if (!job || !progress || this.options.closed()) {
      this.finish();
      return;
    }
    const ended = hasEnded(job);
    const version = newsVersion(job);
    if (version > this.seen) {
      this.seen = version;
      this.send(eventText(ended ? 'done' : 'state', this.options.describe(job, progress), version));
    } else if (!ended) {
      this.reportProgress(progress);
    }
    if (ended) this.finish();
  }

  /** After the end nothing may be sent, not even a heartbeat. */
  private finish(): void {
    this.over = true;
    clearInterval(this.heart);
    this.push(null);
  }

  private reportProgress(progress: JobProgress): void {
    const wait = this.lastSent + calm - performance.now();
    if (wait > 0) {
      this.changed = true;
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.work();
      }, wait);
      this.timer.unref();
      return;
    }
    const text = eventText('progress', progress);
    if (text === this.lastProgress) return;
    this.lastProgress = text;
    this.lastSent = performance.now();
    this.send(text);
  }

  private send(text: string): void {
    this.wanted = this.push(text);
  }
}

function eventText(event: string, data: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
