import { connect } from 'node:net';

/** So long a server may take to hang up. */
const waitMs = 1000;
const usualPort = 6379;

/** What its words mean, and what to do about them. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/^-ERR max number of clients/, 'it has as many clients as it takes (its setting maxclients)'],
  [/^-DENIED .*protected mode/, 'it is in protected mode, and lets in nobody from other machines: give it a password'],
];

/** Of a connection that ended without an error. */
export const hungUp = 'it hangs up';

/** Whether an error is that of a connection that was ended by the other side, which may have said why. */
export const isHangUp = (words: string): boolean =>
  words === hungUp || /EPIPE|ECONNRESET|Connection is closed/.test(words);

/**
 * What Redis, or Valkey, says as it hangs up on whoever comes. Its client has asked something by then, and learns only that it can't write; so
 * this one asks nothing, and listens.
 * @param location of the server; one with TLS says nothing at that point
 * @returns undefined where it does not hang up, or says nothing
 */
export async function redisRefusal(location: string): Promise<string | undefined> {
  const { protocol, hostname, port } = new URL(location);
  if (/^\w+ss:/.test(protocol)) return undefined;
  const host = hostname.replace(/^\[|\]$/g, '');
  const said = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect({ host, port: Number(port || usualPort) });
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.includes('\n')) socket.destroy();
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
  const [line = ''] = said.split(/\r?\n/);
  const known = meanings.find(([pattern]) => pattern.test(line))?.[1];
  if (known !== undefined) return known;
  return /^-[A-Z]/.test(line) ? line.slice(1, 200).replace(/\p{C}/gu, '') : undefined;
}
