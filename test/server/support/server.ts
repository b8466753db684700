import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import { createServer, type ServerOptions, type UpresServer } from '#src/server/index.js';
import type { ProblemBody } from '#src/server/http/problem.js';
import { temporaryFolder } from '../../support/folders.js';
import { noise } from '../../support/pictures.js';

const running: UpresServer[] = [];

afterAll(async () => {
  await Promise.all(running.splice(0).map((server) => server.close({ cancel: true })));
});

/** A server on a free port with folders of its own, that listens; ended when all tests of the file are done. */
export async function startServer(options: ServerOptions = {}): Promise<UpresServer & { readonly url: string }> {
  const server = await createServer({
    port: 0,
    threads: 2,
    cache: temporaryFolder(),
    folder: temporaryFolder(),
    ...options,
  });
  running.push(server);
  await server.listen();
  return server as UpresServer & { readonly url: string };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** The body of an error. */
  readonly problem: ProblemBody;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array | string;
  readonly signal?: AbortSignal;
}

/** A request with any headers whatever, which `fetch` would not send. */
export async function ask(server: { readonly url: string }, path: string, options: Ask = {}): Promise<Answer> {
  const { method = 'GET', headers, body, signal } = options;
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...{ hostname, port, path, method, agent: false },
      headers: { ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }), ...headers },
      ...(signal && { signal }),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      buffer(response).then((bytes) => {
        const { statusCode = 0, headers } = response;
        resolve({
          ...{ status: statusCode, headers, bytes },
          get problem() {
            return JSON.parse(bytes.toString()) as ProblemBody;
          },
        });
      }, reject);
    });
    request.end(body);
  });
}

/** Sends an image to `/v1/upscale`. */
export function upscale(
  server: { readonly url: string },
  image: Uint8Array | string,
  query = '',
  options: Ask = {},
): Promise<Answer> {
  return ask(server, `/v1/upscale${query}`, {
    method: 'POST',
    body: image,
    ...options,
    headers: { 'content-type': 'application/octet-stream', ...options.headers },
  });
}

/** A multipart body, and its content type. */
export async function form(
  fields: Readonly<Record<string, string | Uint8Array>>,
): Promise<Required<Pick<Ask, 'headers' | 'body'>>> {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') data.set(name, value);
    else data.set(name, new Blob([Uint8Array.from(value)], { type: 'image/png' }), `${name}.png`);
  }
  const response = new Response(data);
  return {
    headers: { 'content-type': response.headers.get('content-type')! },
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

/** A picture of noise as a file. */
export async function imageFile(
  width: number,
  height: number,
  format: 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif' = 'png',
  seed = 1,
): Promise<Buffer> {
  const { data } = noise(width, height, 3, seed);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}

/** The value of a metric; 0 where nothing was counted yet. */
export async function metric(server: { readonly url: string }, name: string): Promise<number> {
  const { bytes } = await ask(server, '/metrics');
  const line = bytes
    .toString()
    .split('\n')
    .find((text) => text.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

/** What comes back for bytes that are sent as they are, until the server closes the connection or `enough` says so. */
export function rawExchange(
  server: { readonly url: string },
  send: (socket: Socket) => void,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (enough(text)) socket.destroy();
    });
    // Being cut off is an answer, too.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(text);
    });
    socket.on('connect', () => {
      send(socket);
    });
  });
}
