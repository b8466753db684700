import { codeOf, messageOf } from '../errors.js';

/** A remote cache, and what may be done with it. */
export interface RemoteOptions {
  /** Where results lie: each under this URL and its name, before its query. */
  readonly remote: string;
  /** `read`: results are looked for; `read-write`: what was computed is uploaded, too. */
  readonly mode: 'read' | 'read-write';
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string;
}

/** Milliseconds that a run waits for its remote cache, all in all, without getting anything for it. */
const usualPatience = 2000;
/** An answer that there is nothing may take this long besides: a remote that is merely empty is asked on. */
const usualMs = 50;
/** Uploads at once. */
const uploadsAtOnce = 4;
/** No result is larger. */
const mostBytes = 2 ** 30;

/**
 * Results on a server: `GET` and `PUT` of keys that never change their bytes, so nginx with WebDAV, a build cache of
 * Gradle's kind or `upres serve` will do.
 *
 * It never fails a run. Whatever goes wrong, one line says so, and from then on it is left alone; a run waits for it for two
 * seconds at most, and as long as it takes for what it really gets.
 */
export class RemoteCache {
  private readonly base: URL;
  private readonly headers: Record<string, string>;
  private readonly off = new AbortController();
  private readonly uploads: { readonly key: string; readonly read: () => Promise<Uint8Array | undefined> }[] = [];
  private readonly uploading = new Set<Promise<void>>();
  /** Names whose results were no good: they are written over. */
  private readonly refused = new Set<string>();
  private mayWrite: boolean;
  private sent = 0;
  private spent = 0;
  private waiting = 0;
  private waitsSince = 0;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param warn told once why it is left alone, and once of the first result that is no good
   * @param patience milliseconds, at most 2^31 - 1
   */
  constructor(
    { remote, mode, token }: RemoteOptions,
    private readonly warn: (message: string) => void,
    private patience = usualPatience,
  ) {
    const url = new URL(remote);
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    url.hash = '';
    const { username, password } = url;
    this.headers = {
      ...(username && {
        authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`,
      }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    url.username = '';
    url.password = '';
    this.base = url;
    this.mayWrite = mode === 'read-write';
  }

  /** The bytes under a name, as they are; undefined where there are none, or where the remote is of no use. */
  async get(key: string): Promise<Uint8Array | undefined> {
    if (this.off.signal.aborted) return undefined;
    const began = performance.now();
    const end = this.wait();
    try {
      const response = await this.ask(key, { method: 'GET' });
      if (response.status === 200) {
        const bytes = await readBody(response);
        this.patience += performance.now() - began;
        return bytes;
      }
      await response.body?.cancel();
      if (response.status === 404 || response.status === 410) {
        this.patience += Math.min(usualMs, performance.now() - began);
      } else this.leave(wordsOf(response));
    } catch (error) {
      this.leave(reasonOf(error));
    } finally {
      end();
    }
    return undefined;
  }

  /** Whether there is something under a name. */
  async has(key: string): Promise<boolean> {
    if (this.off.signal.aborted) return false;
    try {
      return (await this.ask(key, { method: 'HEAD' })).ok;
    } catch (error) {
      this.leave(reasonOf(error));
      return false;
    }
  }

  /** How many results were uploaded. */
  get uploaded(): number {
    return this.sent;
  }

  /** Whether it takes results, as far as is known. */
  get takesResults(): boolean {
    return this.mayWrite && !this.off.signal.aborted;
  }

  /** Notes that what lies under a name is no good: it is computed anew, and written over. */
  refuse(key: string, reason: string): void {
    if (this.refused.size === 0) this.warn(`a result in the remote cache ${this.base.host} is not used: ${reason}`);
    this.refused.add(key);
  }

  /**
   * Uploads a result in the background.
   * @param read gives its bytes when it is its turn
   */
  offer(key: string, read: () => Promise<Uint8Array | undefined>): void {
    if (!this.mayWrite || this.off.signal.aborted) return;
    this.uploads.push({ key, read });
    this.upload();
  }

  /** Waits until all is uploaded, as long as the run's patience lasts; to be called when nothing else is left to do. */
  async settle(): Promise<void> {
    if (this.uploading.size === 0) return;
    const end = this.wait();
    try {
      await Promise.race([this.whenUploaded(), this.whenOff()]);
    } finally {
      end();
    }
  }

  private async whenUploaded(): Promise<void> {
    while (this.uploading.size > 0) await Promise.race(this.uploading);
  }

  private upload(): void {
    while (this.uploading.size < uploadsAtOnce) {
      const next = this.uploads.shift();
      if (!next) return;
      const work = this.send(next.key, next.read).finally(() => {
        this.uploading.delete(work);
        this.upload();
      });
      this.uploading.add(work);
    }
  }

  private async send(key: string, read: () => Promise<Uint8Array | undefined>): Promise<void> {
    try {
      const bytes = this.mayWrite && !this.off.signal.aborted ? await read() : undefined;
      if (!bytes) return;
      const headers = {
        'content-type': 'application/octet-stream',
        // What is there stays, for it is the same; what is no good does not.
        ...(!this.refused.has(key) && { 'if-none-match': '*' }),
      };
      const response = await this.ask(key, { method: 'PUT', headers, body: bytes });
      await response.body?.cancel();
      if (response.ok) this.sent++;
      // It is there, or is too large.
      if (response.ok || [409, 412, 413].includes(response.status)) return;
      if (!this.mayWrite) return;
      // It may be read all the same.
      this.mayWrite = false;
      this.warn(`nothing is uploaded to the remote cache ${this.base.host}: ${wordsOf(response)}`);
    } catch (error) {
      this.leave(reasonOf(error));
    }
  }

  private ask(key: string, { headers, ...request }: RequestInit): Promise<Response> {
    const url = new URL(this.base);
    // Its query stays: some sign what they allow there.
    url.pathname += key;
    return fetch(url, {
      ...request,
      headers: { ...this.headers, ...(headers as Record<string, string>) },
      signal: this.off.signal,
    });
  }

  /** Counts the time from now on as lost, once however many wait; the function that it returns ends that. */
  private wait(): () => void {
    if (this.waiting++ === 0) this.waitsSince = performance.now();
    this.watch();
    return () => {
      this.waiting--;
      const now = performance.now();
      this.spent += now - this.waitsSince;
      this.waitsSince = now;
      this.watch();
    };
  }

  private watch(): void {
    clearTimeout(this.timer);
    if (this.waiting === 0 || this.off.signal.aborted) return;
    const left = this.patience - this.spent - (performance.now() - this.waitsSince);
    this.timer = setTimeout(() => {
      // Something was got in the meantime.
      if (this.patience - this.spent - (performance.now() - this.waitsSince) > 1) this.watch();
      else this.leave('it is too slow');
    }, left);
    this.timer.unref();
  }

  private leave(reason: string): void {
    if (this.off.signal.aborted) return;
    clearTimeout(this.timer);
    this.off.abort();
    this.warn(`the remote cache ${this.base.host} is left alone: ${reason}`);
  }

  private whenOff(): Promise<void> {
    const { signal } = this.off;
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      else
        signal.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
    });
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

/** @throws where it is larger than any result, or cut short */
async function readBody({ body }: Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > mostBytes) throw new Error('it sends more than any result has');
    pieces.push(piece);
  }
  return Buffer.concat(pieces, length);
}
