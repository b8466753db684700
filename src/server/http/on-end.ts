import type { FastifyReply } from 'fastify';
import type { ServerResponse } from 'node:http';
import { finished } from 'node:stream';

/** What waits for the end of a response; undefined when that is over. One listener does for all of it. */
const waiting = new WeakMap<ServerResponse, (() => void)[] | undefined>();

/** Calls back once when a response was sent or its connection has closed, at once where that has happened already. */
export function onEnd({ raw }: Pick<FastifyReply, 'raw'>, callback: () => void): void {
  if (waiting.has(raw)) {
    const others = waiting.get(raw);
    if (others) others.push(callback);
    else callback();
    return;
  }
  const callbacks = [callback];
  waiting.set(raw, callbacks);
  finished(raw, () => {
    waiting.set(raw, undefined);
    for (const call of callbacks) call();
  });
}
