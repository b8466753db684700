import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { CachedResult } from '../../asset/cached-upscaler.js';
import { ThreadPool } from '../../network/pool/thread-pool.js';

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** What a server counts and measures, in a registry of its own: several servers of a process do not mix. */
export class ServerMetrics {
  readonly registry = new Registry();
  private readonly in = { registers: [this.registry] };

  readonly requests = new Counter({
    name: 'upres_requests_total',
    help: 'Responses by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    ...this.in,
  });
  readonly requestSeconds = new Histogram({
    name: 'upres_request_seconds',
    help: 'From the first byte of a request to the last of its response.',
    labelNames: ['route'],
    buckets: seconds,
    ...this.in,
  });
  readonly queueRequests = new Gauge({
    name: 'upres_queue_requests',
    help: 'Images of POST /v1/upscale that are computed or wait for it.',
    ...this.in,
  });
  readonly queuePixels = new Gauge({
    name: 'upres_queue_pixels',
    help: 'Pixels of the results of POST /v1/upscale that are computed or wait for it.',
    ...this.in,
  });
  readonly heldBytes = new Gauge({
    name: 'upres_held_bytes',
    help: 'Bytes of images that requests hold.',
    ...this.in,
  });
  /** By state; whoever keeps jobs sets it. */
  readonly jobs = new Gauge({ name: 'upres_jobs', help: 'Jobs that are kept.', labelNames: ['state'], ...this.in });
  /** Whoever keeps jobs sets it. */
  readonly jobPixels = new Gauge({
    name: 'upres_job_queue_pixels',
    help: 'Source pixels of jobs that are still to be computed, on whatever machine.',
    ...this.in,
  });
  readonly jobRetries = new Counter({
    name: 'upres_job_retries_total',
    help: 'Images and records of jobs that are tried again, by the code of what held them up, such as DISK_FULL.',
    labelNames: ['code'],
    ...this.in,
  });
  readonly threads = new Gauge({
    name: 'upres_threads',
    help: 'Threads that may compute networks at once.',
    ...this.in,
  });
  readonly threadsBusy = new Gauge({
    name: 'upres_threads_busy',
    help: 'Threads of this process that compute or prepare a network now.',
    collect() {
      this.set(ThreadPool.get().busy);
    },
    ...this.in,
  });
  private readonly pixelsIn = new Counter({
    name: 'upres_input_pixels_total',
    help: 'Pixels of images that were upscaled, all frames counted, for each file that was made; results from the cache are not.',
    ...this.in,
  });
  private readonly pixelsOut = new Counter({
    name: 'upres_output_pixels_total',
    help: 'Pixels of results that were computed, all frames counted.',
    ...this.in,
  });
  private readonly cacheResults = new Counter({
    name: 'upres_cache_results_total',
    help: 'Results that were there already (hit), that another request was computing (shared), and that were computed (miss).',
    labelNames: ['result'],
    ...this.in,
  });
  private readonly inferenceSeconds = new Histogram({
    name: 'upres_inference_seconds',
    help: 'From the first to the last of a picture’s network calls, waiting for threads included.',
    buckets: seconds,
    ...this.in,
  });
  private readonly codecSeconds = new Histogram({
    name: 'upres_codec_seconds',
    help: 'Time of a picture in decoder, reducer and encoder.',
    buckets: seconds,
    ...this.in,
  });

  private readonly counted = new WeakSet<CachedResult>();

  constructor() {
    // Memory, processor time, the event loop's delay, garbage collection.
    collectDefaultMetrics({ register: this.registry });
  }

  /** Counts an image that was upscaled, or found in the cache; one that several requests shared is computed once. */
  imageDone(result: CachedResult): void {
    const shared = this.counted.has(result);
    this.counted.add(result);
    this.cacheResults.inc({ result: result.cached ? 'hit' : shared ? 'shared' : 'miss' });
    if (result.cached || shared) return;
    const { sourceWidth, sourceHeight, width, height, frames } = result;
    this.pixelsIn.inc(sourceWidth * sourceHeight * frames);
    this.pixelsOut.inc(width * height * frames);
    this.inferenceSeconds.observe(result.inferenceMs / 1000);
    this.codecSeconds.observe(result.codecMs / 1000);
  }
}
