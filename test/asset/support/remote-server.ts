import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface RemoteServer {
  readonly url: string;
  /** What was put, by its name; a test may change it. */
  readonly stored: Map<string, Buffer>;
  /** Methods and names, in the order in which they were asked for. */
  readonly asked: string[];
}

/** May answer in another way than a remote cache does, and says so. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, stored: Map<string, Buffer>) => boolean;

/** A server of plain GET and PUT, as nginx with WebDAV is one, on a free port until the test ends. */
export async function startRemote(behave: Behaviour = () => false): Promise<RemoteServer> {
  const stored = new Map<string, Buffer>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const key = request.url!.slice('/team/'.length);
    asked.push(`${request.method} ${key}`);
    if (behave(request, response, stored)) return;
    if (request.method !== 'PUT') {
      const found = stored.get(key);
      response.writeHead(found ? 200 : 404).end(found);
      return;
    }
    void buffer(request).then((bytes) => {
      const isThere = stored.has(key) && request.headers['if-none-match'] === '*';
      if (!isThere) stored.set(key, bytes);
      response.writeHead(isThere ? 412 : 201).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/team/`, stored, asked };
}
