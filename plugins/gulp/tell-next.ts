import type { Transform, Writable } from 'node:stream';

/**
 * Makes a stream's failure reach the streams that it is piped into, unless there is a listener.
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
  // Each `pipe` into the stream brings one listener for errors with it.
  stream.on('pipe', (source: NodeJS.ReadableStream) => {
    sources++;
    // `src()` hears of it twice, from us and from the stream behind us. The second time no one would listen any more, and that
    // ends the process: under `gulp.watch`, with every picture that is saved by halves.
    source.on('error', () => undefined);
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
    if (stream.listenerCount('error') > sources) return;
    for (const each of next) (each as unknown as Writable).destroy(error);
  };
  return tell;
}
