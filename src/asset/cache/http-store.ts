import { setTimeout as delay } from 'node:timers/promises';
import { certificateHint } from '../../certificate-hint.js';
import { codeOf, messageOf } from '../../errors.js';
import { readAll, type Kept, type RemoteStore } from './remote-store.js';

/** Times that an upload is sent on to another place. */
const mostRedirects = 3;

/** Times that it is asked again after an answer that says nothing of the result, and milliseconds before each; its time counts as any other. */
const retryAfter = [0, 250];
/** It, or what stands in front of it, has too much to do, or is started anew. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** The other side ended the connection: often one that was kept from an earlier request. */
const hangUps: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/**
 * Results on a server: `GET` and `PUT` of keys that never change their bytes, so nginx with WebDAV, a build cache of
 * Gradle's kind or `upres serve` will do. It has no list.
 */
export class HttpStore implements RemoteStore {
  readonly name: string;
  private readonly base: URL;
  private readonly authorization: Record<string, string>;
  private off = new AbortController();

  /**
   * @param remote where results lie: each under this URL and its name, before its query
   * @param token sent as `Authorization: Bearer`
   */
  constructor(remote: string, token: string | undefined) {
    const url = new URL(remote);
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    url.hash = '';
    const { username, password } = url;
    const basic = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.authorization = {
      ...(username && { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    url.username = '';
    url.password = '';
    this.base = url;
    this.name = url.host;
  }

  async get(key: string, onPiece: (piece: Uint8Array) => void): Promise<Uint8Array | undefined> {
    const response = await this.ask(this.urlOf(key), { method: 'GET' });
    // With 203 something between here and there may have changed it, which its hash tells.
    if (response.status === 200 || response.status === 203) {
      try {
        return await readAll(response.body as unknown as AsyncIterable<Uint8Array>, onPiece);
      } catch (error) {
        throw new Error(reasonOf(error), { cause: error });
      }
    }
    await response.body?.cancel();
    if (response.status === 404 || response.status === 410) return undefined;
    throw new Error(wordsOf(response));
  }

  async has(key: string): Promise<boolean> {
    return (await this.ask(this.urlOf(key), { method: 'HEAD' })).ok;
  }

  async put(key: string, bytes: Uint8Array, ifAbsent: boolean): Promise<Kept> {
    const headers = {
      'content-type': 'application/octet-stream',
      ...(ifAbsent && { 'if-none-match': '*' }),
    };
    let url = this.urlOf(key);
    let { authorization } = this;
    for (let redirects = 0; ; redirects++) {
      // Followed here: `fetch` would make a GET of a PUT that is answered 301 to 303, and its 200 says nothing of the upload.
      const response = await this.ask(
        url,
        { method: 'PUT', headers, body: bytes as Uint8Array<ArrayBuffer>, redirect: 'manual' },
        authorization,
      );
      await response.body?.cancel();
      const location = response.headers.get('location');
      if ([307, 308].includes(response.status) && location !== null && redirects < mostRedirects) {
        const next = new URL(location, url);
        if (next.origin !== url.origin) authorization = {};
        // `fetch` refuses them, and says them.
        next.username = '';
        next.password = '';
        url = next;
        continue;
      }
      if (response.ok) return 'stored';
      if (response.status === 409 || response.status === 412) return 'there';
      if (response.status === 413) return 'too large';
      return { refused: wordsOf(response) };
    }
  }

  close(): void {
    this.off.abort();
    this.off = new AbortController();
  }

  private urlOf(key: string): URL {
    const url = new URL(this.base);
    // Its query stays: some sign what they allow there.
    url.pathname += key;
    return url;
  }

  private async ask(
    url: URL,
    { headers, ...request }: RequestInit,
    authorization = this.authorization,
  ): Promise<Response> {
    for (let tries = 0; ; tries++) {
      const pause = retryAfter[tries];
      try {
        const response = await fetch(url, {
          ...request,
          headers: { ...authorization, ...(headers as Record<string, string>) },
          signal: this.off.signal,
        });
        if (pause === undefined || !passing.has(response.status)) return response;
        await response.body?.cancel();
      } catch (error) {
        if (pause === undefined || !hangUps.has(codeOf(causeOf(error))))
          throw new Error(reasonOf(error), { cause: error });
      }
      await delay(pause, undefined, { signal: this.off.signal });
    }
  }
}

function wordsOf({ status, statusText, headers, url }: Response): string {
  const words = `it answers ${`${status} ${statusText}`.trim()}`;
  const location = headers.get('location');
  // Of where it leads only the host is said: the rest may hold a secret.
  if (location === null || !URL.canParse(location, url)) return words;
  const { origin } = new URL(location, url);
  return origin === new URL(url).origin ? words : `${words}, which leads to ${origin}`;
}

/** What to do about what hinders a request from being answered at all. */
const hints: readonly (readonly [RegExp, string])[] = [
  [/^HPE_/, 'it speaks no HTTP; with TLS it is https://'],
  [/^ERR_SSL_(?:WRONG_VERSION|PACKET_LENGTH|HTTP_REQUEST)/, 'without TLS it is http://'],
];

/** `fetch` hides what happened in the cause. */
const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? error.cause : error;

function reasonOf(error: unknown): string {
  const cause = causeOf(error);
  const code = codeOf(cause);
  // Its own codes say less than its words.
  if (code === undefined || code.startsWith('UND_')) return messageOf(cause) || messageOf(error);
  const hint = certificateHint(code) ?? hints.find(([pattern]) => pattern.test(code))?.[1];
  return hint === undefined ? code : `${code} (${hint})`;
}
