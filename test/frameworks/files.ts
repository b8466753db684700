import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Serving } from './project.js';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** Serves a built site as hosts of static sites do: folders by their `index.html`, pages also without their ending. */
export async function serveFiles(folder: string, base = '/'): Promise<Serving> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const inside = path.startsWith(base) ? path.slice(base.length) : undefined;
    const tries = inside === undefined ? [] : [inside, join(inside, 'index.html'), `${inside}.html`];
    const answer = async (): Promise<void> => {
      for (const each of tries) {
        const data = await readFile(join(folder, each)).catch(() => undefined);
        if (!data) continue;
        response.writeHead(200, { 'Content-Type': types[extname(each)] ?? 'application/octet-stream' }).end(data);
        return;
      }
      response.writeHead(404).end();
    };
    void answer();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    said: () => '',
    isAlive: () => true,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
