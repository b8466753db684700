import { createHash, timingSafeEqual } from 'node:crypto';
import { anonymous, clientOf, type Client } from './client.js';
import { Problem } from '../http/problem.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The tokens that the server knows, as hashes only. */
export class Tokens {
  private readonly known: readonly { readonly hash: Buffer; readonly client: Client }[];

  constructor(tokens: readonly string[]) {
    this.known = [...new Set(tokens)].map((token) => ({ hash: digest(token), client: clientOf(token) }));
  }

  /**
   * The client that a request comes from.
   * @param authorization the header
   * @returns `anonymous` where the server has no tokens
   * @throws Problem UNAUTHORIZED
   */
  client(authorization: string | undefined): Client {
    if (this.known.length === 0) return anonymous;
    const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization ?? '')?.[1];
    const client = token === undefined ? undefined : this.find(token);
    if (client) return client;
    const detail = `this server needs a token: send "Authorization: Bearer …"${token === undefined ? '' : '; this one is not known'}`;
    throw new Problem(401, 'UNAUTHORIZED', detail, { headers: { 'www-authenticate': 'Bearer realm="upres"' } });
  }

  /** Looks at all of them, however early one matches, and compares hashes: time tells nothing about a token. */
  private find(token: string): Client | undefined {
    const hash = digest(token);
    let found: Client | undefined;
    for (const { hash: known, client } of this.known) if (timingSafeEqual(hash, known)) found = client;
    return found;
  }
}
