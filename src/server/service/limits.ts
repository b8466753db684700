import { number, options, type TypeOf } from '../../schema.js';

/** Timers count milliseconds in 31 bits, and fire at once when they are given more. */
const longestSeconds = 2_147_483;

const amount = number({ above: 0, to: Number.MAX_SAFE_INTEGER });
const seconds = number({ above: 0, to: longestSeconds, of: 'seconds' });

export const limitOptions = options({
  /**
   * Bytes of one image, as it is sent.
   * @default 32 MiB
   */
  bodyBytes: amount,
  /**
   * Pixels of one image, all frames counted.
   * @default 25 million
   */
  inputPixels: amount,
  /**
   * Frames of one animation.
   * @default 1000
   */
  frames: amount,
  /**
   * Pixels of one result, all frames counted.
   * @default 100 million
   */
  outputPixels: amount,
  /**
   * Seconds that `POST /v1/upscale` may take once the image is there.
   * @default 120
   */
  requestSeconds: seconds,
  /**
   * Seconds for which a client may send, or take, nothing; however long the whole takes.
   * @default 60
   */
  transferSeconds: seconds,
  /**
   * Bytes a second that a client sends and takes at least, over `transferSeconds`.
   * @default 4 KiB, less than any modem
   */
  transferBytesPerSecond: amount,
  /**
   * Connections at once; above it, those that ask for nothing make room.
   * @default 4096
   */
  connections: number({ from: 1, to: Number.MAX_SAFE_INTEGER }),
  /**
   * Bytes of images that arrive or are worked on, and of results that are fetched, for all requests.
   * @default 512 MiB
   */
  heldBytes: amount,
  /**
   * `POST /v1/upscale` at once for each client.
   * @default 256
   */
  requestsPerClient: amount,
  /**
   * Pixels of results that each client's `POST /v1/upscale` at once may ask for.
   * @default 400 million
   */
  queuedPixels: amount,
  /**
   * Jobs of one client that are kept, finished ones included.
   * @default 1000
   */
  jobsPerClient: amount,
  /**
   * Images of one job.
   * @default 100
   */
  imagesPerJob: amount,
  /**
   * Bytes of all images of one job, as they are sent.
   * @default 256 MiB
   */
  jobBytes: amount,
  /**
   * Bytes of one client's jobs on disk; each result to come counts a byte for a pixel.
   * @default 4 GiB
   */
  storedBytesPerClient: amount,
  /**
   * Bytes of results in the cache, the newest; for a while there may be an eighth more.
   * @default 4 GiB
   */
  cacheBytes: amount,
  /**
   * Days for which finished jobs are kept.
   * @default 7
   */
  resultsDays: amount,
  /**
   * Seconds for which a server that is asked to end finishes what runs.
   * @default 30
   */
  drainSeconds: seconds,
});

/** Bounds on what clients may ask for. All of them are numbers above 0. */
export interface ServerLimits extends Required<TypeOf<typeof limitOptions>> {}

/** The limits that a server has where its options say nothing. */
export const defaultLimits: ServerLimits = {
  bodyBytes: 32 * 2 ** 20,
  inputPixels: 25_000_000,
  frames: 1000,
  outputPixels: 100_000_000,
  requestSeconds: 120,
  transferSeconds: 60,
  transferBytesPerSecond: 4 * 2 ** 10,
  connections: 4096,
  heldBytes: 512 * 2 ** 20,
  requestsPerClient: 256,
  queuedPixels: 400_000_000,
  jobsPerClient: 1000,
  imagesPerJob: 100,
  jobBytes: 256 * 2 ** 20,
  storedBytesPerClient: 4 * 2 ** 30,
  cacheBytes: 4 * 2 ** 30,
  resultsDays: 7,
  drainSeconds: 30,
};
