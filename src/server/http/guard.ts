import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.js';
import type { ServerSettings } from '../service/settings.js';

/**
 * Refuses requests that a web page of another site makes a browser send: a server on this machine is reachable from every page
 * that its user looks at.
 *
 * - `Host` must be there once, and a name of ours: else a page whose own name was pointed at this machine would count as the same site (DNS
 *   rebinding).
 * - `Origin`, where there is one, must be the server's own.
 * - `Sec-Fetch-Site` may not name another site, except for following a link to a page of ours.
 *
 * What asks whether the server lives may say an address, or nothing as HTTP/1.0 allows: load balancers and kubelets know no names, and no page can
 * make a browser do either by a name of its own.
 *
 * Where the request's target is a whole URL, its host is the one that counts (RFC 9112, 3.2.2).
 *
 * @throws Problem FORBIDDEN_HOST, FORBIDDEN_ORIGIN; BAD_REQUEST where others may read the request in another way
 */
export class Guard {
  private readonly names: ReadonlySet<string> | undefined;

  private readonly loopback: boolean;

  constructor({ host, loopback, allowedHosts }: ServerSettings) {
    this.loopback = loopback;
    const own = loopback ? ['localhost', '127.0.0.1', '[::1]'] : [];
    // On other addresses, tokens protect; which names lead there, only its owner knows.
    if (loopback || allowedHosts.length > 0) this.names = new Set([...own, inBrackets(host), ...allowedHosts]);
  }

  /**
   * @param page whether the route is a page that people open, which links of other sites may lead to
   * @param health whether the route says whether the server lives, and nothing more
   */
  check(request: FastifyRequest, page: boolean, health = false): void {
    refuseAmbiguous(request);
    const { origin } = request.headers;
    const host = hostIn(request.originalUrl) ?? request.headers.host;
    if (health && origin === undefined && this.isProbe(request, host)) return;
    if (host === undefined || !this.isOwn(host)) {
      throw new Problem(
        403,
        'FORBIDDEN_HOST',
        'the server does not answer to this name: whoever runs it can allow it ("allowedHosts")',
      );
    }
    if (origin !== undefined && originHost(origin) !== host.toLowerCase()) throw foreign();
    const site = request.headers['sec-fetch-site'];
    if (site === undefined || site === 'same-origin' || site === 'none') return;
    const { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = request.headers;
    const link = request.method === 'GET' && mode === 'navigate' && destination === 'document';
    if (!(page && link)) throw foreign();
  }

  private isProbe({ raw }: FastifyRequest, host: string | undefined): boolean {
    if (host === undefined) return raw.httpVersion === '1.0';
    const address = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(host);
    return !this.loopback && isIP(address?.[1] ?? address?.[2] ?? '') !== 0;
  }

  private isOwn(host: string): boolean {
    const name = /^(\[[^\]]*\]|[^:]*?)\.?(?::\d{1,5})?$/.exec(host.toLowerCase())?.[1];
    return name !== undefined && (!this.names || this.names.has(name));
  }
}

/** What a proxy in front may take for something else than the server does, and HTTP/1.1 without the `Host` that it demands (RFC 9112, 3.2). */
function refuseAmbiguous({ raw: { rawHeaders, headers, httpVersion } }: FastifyRequest): void {
  const counts = new Map<string, number>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const twice = single.find((name) => (counts.get(name) ?? 0) > 1);
  const coding = headers['transfer-encoding'];
  const detail =
    twice !== undefined
      ? `the header "${twice}" is there twice`
      : headers.host === undefined && httpVersion === '1.1'
        ? 'the header "host" is missing'
        : coding !== undefined && coding.toLowerCase() !== 'chunked'
          ? 'Transfer-Encoding may be "chunked" only'
          : undefined;
  if (detail === undefined) return;
  throw new Problem(400, 'BAD_REQUEST', detail, { headers: { connection: 'close' } });
}

/** Headers that decide where a request goes, how long it is, and whose it is. */
const single = ['host', 'content-length', 'transfer-encoding', 'content-type', 'authorization', 'origin'] as const;

/** The origin of a target that is a whole URL. */
const wholeUrl = /^https?:\/\/([^/?#]*)/i;

/** The host in a request's target; undefined where that is a path. */
function hostIn(target: string): string | undefined {
  return wholeUrl.exec(target)?.[1];
}

/** A request's target without scheme and host, for routes know paths only. */
export function pathOfTarget(target = '/'): string {
  const path = target.replace(wholeUrl, '');
  return path.startsWith('/') || path === target ? path : `/${path}`;
}

function foreign(): Problem {
  return new Problem(403, 'FORBIDDEN_ORIGIN', 'pages of other sites may not use this server');
}

/** The host and port of an origin; undefined where it is none, such as `null`. */
function originHost(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

function inBrackets(host: string): string {
  const name = host.toLowerCase();
  return name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
}
