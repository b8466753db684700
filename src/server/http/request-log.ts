import type { FastifyRequest } from 'fastify';
import { requestFields } from '../service/variant.js';

/** What a query may say in the log: directives, and the pages of a list. */
const known = new Set([...Object.keys(requestFields.properties), 'limit', 'before']);
/** What values of directives look like. */
const plain = /^[\w.;,@-]{0,64}$/;

/** A request's line in the log. What a client wrote besides directives may be a secret that it put in the wrong place. */
export const requestLog = {
  req: ({ method, url, host, ip }: FastifyRequest): Record<string, unknown> => ({
    ...{ method, url: loggedUrl(url), host: host.slice(0, 255), remoteAddress: ip },
  }),
};

/** A URL with its path and those directives of its query that are some. */
export function loggedUrl(url: string): string {
  const [path, ...rest] = url.split('?');
  const query = [...new URLSearchParams(rest.join('?'))].filter(
    ([name, value]) => known.has(name) && plain.test(value),
  );
  const text = query.map(([name, value]) => `${name}=${value}`).join('&');
  return text === '' ? path! : `${path}?${text}`;
}
