import { codeOf, messageOf } from '../../errors.js';
import { readAll, type Kept, type RemoteStore } from './remote-store.js';

/** Times that an upload is sent on to another place. */
const mostRedirects = 3;

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
    if (response.status === 200) {
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
    try {
      return await fetch(url, {
        ...request,
        headers: { ...authorization, ...(headers as Record<string, string>) },
        signal: this.off.signal,
      });
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
  }
}

const wordsOf = ({ status, statusText }: Response): string => `it answers ${`${status} ${statusText}`.trim()}`;

/** `fetch` hides what happened in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = codeOf(cause);
  // Its own codes say less than its words.
  return code === undefined || code.startsWith('UND_') ? messageOf(cause) : code;
}
