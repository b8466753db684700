/** Bounds on what clients may ask for. All of them are numbers above 0. */
export interface ServerLimits {
  /** Bytes of one image, as it is sent. Default 32 MiB. */
  readonly bodyBytes: number;
  /** Pixels of one image, all frames counted. Default 25 million. */
  readonly inputPixels: number;
  /** Frames of one animation. Default 1000. */
  readonly frames: number;
  /** Pixels of one result, all frames counted. Default 100 million. */
  readonly outputPixels: number;
  /** Seconds that `POST /v1/upscale` may take once the image is there. Default 120. */
  readonly requestSeconds: number;
  /** Seconds that a client may take to send a request, and to fetch its response. Default 60. */
  readonly transferSeconds: number;
  /** Bytes of images that arrive or are worked on, and of results that are fetched, for all requests. Default 512 MiB. */
  readonly heldBytes: number;
  /** `POST /v1/upscale` at once for each client. Default 256. */
  readonly requestsPerClient: number;
  /** Pixels of results that each client's `POST /v1/upscale` at once may ask for. Default 400 million. */
  readonly queuedPixels: number;
  /** Jobs of one client that are kept, finished ones included. Default 1000. */
  readonly jobsPerClient: number;
  /** Images of one job. Default 100. */
  readonly imagesPerJob: number;
  /** Bytes of all images of one job, as they are sent. Default 256 MiB. */
  readonly jobBytes: number;
  /** Bytes of one client's jobs on disk; a result to come counts a byte for each of its pixels. Default 4 GiB. */
  readonly storedBytesPerClient: number;
  /** Bytes of results in the cache, the newest; for a while there may be an eighth more. Default 4 GiB. */
  readonly cacheBytes: number;
  /** Days for which finished jobs are kept. Default 7. */
  readonly resultsDays: number;
  /** Seconds for which a server that is told to end finishes what runs. Default 30. */
  readonly drainSeconds: number;
}

export const defaultLimits: ServerLimits = {
  bodyBytes: 32 * 2 ** 20,
  inputPixels: 25_000_000,
  frames: 1000,
  outputPixels: 100_000_000,
  requestSeconds: 120,
  transferSeconds: 60,
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
