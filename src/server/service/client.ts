import { createHash } from 'node:crypto';

/**
 * The client. There is one object for each token (and one for everybody, where no tokens are set), so that it can stand for its
 * owner's turn: clients take turns, however much each of them asks for.
 */
export interface Client {
  /** A hash of the token, never the token itself; `anonymous` where no tokens are set. */
  readonly id: string;
}

/** Everybody, on a server without tokens. */
export const anonymous: Client = Object.freeze({ id: 'anonymous' });

/** The client that a token stands for. Its id is safe to store and to log: tokens are long, so no one guesses them by it. */
export function clientOf(token: string): Client {
  const id = createHash('sha256').update('upres client ').update(token).digest('base64url').slice(0, 22);
  return Object.freeze({ id });
}
