import type { Transform, Writable } from 'node:stream';

/**
 * Makes a stream's failure, and that of what is piped into it, reach the streams that it is piped into, unless there is a listener.
 *
 * In Gulp 5, `src()` listens for the errors of what it is piped into and drops them (gulpjs/gulp#2812): the task would end
 * without a word of what failed. Gulp listens to the last stream of a task, so there the error must arrive.
 *
 * @param look finds out what went wrong, once a stream behind this one has taken all of it
 * @returns to be called with the error before the stream emits it
 */
export function tellNext(stream: Transform, look: () => Error | undefined): (error: Error) => void {
  const next = new Set<NodeJS.WritableStream>();
  let sources = 0;
  let hasFailed = false;
  const failNext = (error: Error): void => {
    hasFailed = true;
    for (const each of next) (each as unknown as Writable).destroy(error);
  };
  // Each `pipe` into the stream brings one listener for errors with it.
  stream.on('pipe', (source: NodeJS.ReadableStream) => {
    sources++;
    // `src()` hears of our errors twice, from us and from the stream behind us. The second time no one would listen any more, and that
    // ends the process: under `gulp.watch`, with every picture that is saved by halves. What fails by itself (a file that is not there, a
    // plugin in front of us) would end the task for the same reason, as it should, so then that is up to us.
    const listener = (error: Error): void => {
      if (hasFailed || isHeard(source, listener)) return;
      if (next.size > 0) failNext(error);
      else stream.destroy(error);
    };
    source.on('error', listener);
  });
  stream.on('unpipe', () => sources--);
  const pipe = stream.pipe.bind(stream);
  stream.pipe = <T extends NodeJS.WritableStream>(to: T, options?: { end?: boolean }): T => {
    next.add(to);
    to.once('finish', () => {
      // Each of several streams may have its own of the files, and write them to a folder of its own.
      const error = next.size === 1 ? look() : undefined;
      if (error) tell(error);
    });
    return pipe(to, options);
  };
  const tell = (error: Error): void => {
    if (stream.listenerCount('error') > sources) hasFailed = true;
    else failNext(error);
  };
  return tell;
}

/** Listeners that Node's and streamx's `pipe` bring; gulp-plumber tells them by their names, too. */
const ofPipes = new Set(['onerror', 'noop', 'bound done']);

/** Whether someone listens for a stream's errors besides the streams that it is piped from and to. */
function isHeard(stream: NodeJS.ReadableStream, own: (error: Error) => void): boolean {
  return stream.listeners('error').some((each) => each !== own && !ofPipes.has(each.name));
}
