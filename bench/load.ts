import autocannon from 'autocannon';

/** Clients of one server, all with the same token. */
export interface LoadOptions {
  readonly url: string;
  /** Identifies the client; undefined where the server wants none. */
  readonly token?: string;
  /** Connections, each with one request at a time. */
  readonly connections: number;
  /** Requests altogether; undefined: until `stop`. */
  readonly amount?: number;
  /** The body of the next request. */
  readonly next: () => Buffer;
}

/** What came back. */
export interface LoadResult {
  /** From the first request to the last response, in milliseconds. */
  readonly wallMs: number;
  /** Of each response with status 200, in milliseconds. */
  readonly latencies: readonly number[];
  /** Responses by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Connections that broke and requests that were never answered. */
  readonly failures: number;
}

/** A load that is under way. */
export interface Load {
  /** Hangs up. */
  readonly stop: () => void;
  readonly result: Promise<LoadResult>;
}

/** Longer than any request may wait under load, in seconds. */
const timeout = 300;
/** A load without an amount goes on until it is stopped, in seconds. */
const endlessly = 24 * 60 * 60;

/** Sends pictures to be upscaled twice. */
export function startLoad({ url, token, connections, amount, next }: LoadOptions): Load {
  const latencies: number[] = [];
  const statuses = new Map<number, number>();
  const start = performance.now();
  let last = start;
  const options: autocannon.Options = {
    url,
    connections,
    timeout,
    ...(amount === undefined ? { duration: endlessly } : { amount }),
    requests: [
      {
        method: 'POST',
        path: '/v1/upscale?upscale=2',
        headers: {
          'content-type': 'application/octet-stream',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        setupRequest: (request) => ({ ...request, body: next() }),
      },
    ],
  };
  let stop = (): void => undefined;
  const result = new Promise<LoadResult>((resolve, reject) => {
    const instance = autocannon(options, (error: Error | null, { errors }) => {
      // Its own clock ticks once a second, so the time is taken here.
      if (error) reject(error);
      else resolve({ wallMs: last - start, latencies, statuses, failures: errors });
    });
    instance.on('response', (_client, status, _bytes, ms) => {
      last = performance.now();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 200) latencies.push(ms);
    });
    stop = () => {
      instance.stop();
    };
  });
  return { stop, result };
}

/** A load with a fixed amount, to its end. */
export function runLoad(options: LoadOptions & { readonly amount: number }): Promise<LoadResult> {
  return startLoad(options).result;
}

/** What the server says when it has enough to do: no error, but a client's turn to wait. */
const backPressure = [429, 503];

/** Answers that are neither a result nor back-pressure, and connections that broke. */
export function errorsOf({ statuses, failures }: LoadResult): number {
  const bad = [...statuses].filter(([status]) => status !== 200 && !backPressure.includes(status));
  return bad.reduce((sum, [, count]) => sum + count, failures);
}

/** Requests that were told to come later. */
export function turnedAway({ statuses }: LoadResult): number {
  return backPressure.reduce((sum, status) => sum + (statuses.get(status) ?? 0), 0);
}
