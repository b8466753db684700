// HTTP clients of a server, for thread-safety-proof.ts: they send pictures as PNG files, and look at the pixels that come back.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { PixelImage } from 'upres';
import { createServer } from 'upres/server';

/** A server in this process, on the same threads as everything else in it, until it is disposed. */
export async function startServer(threads: number): Promise<{ url: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'upres-proof-'));
  // Nothing is cached: each request is computed.
  const server = await createServer({ port: 0, threads, folder, cache: false });
  const url = await server.listen();
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Upscales a picture over HTTP.
 * @throws Error with the server's words when it answers anything else than 200
 */
export async function upscaleOverHttp(url: string, { data, width, height }: PixelImage): Promise<PixelImage> {
  const picture = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  const response = await fetch(new URL('/v1/upscale?upscale=2&format=png', url), {
    method: 'POST',
    headers: { 'Content-Type': 'image/png' },
    body: Uint8Array.from(picture),
  });
  if (!response.ok) throw new Error(`the server answers ${response.status}: ${await response.text()}`);
  const decoded = await sharp(await response.arrayBuffer())
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { info } = decoded;
  return { width: info.width, height: info.height, channels: 3, data: decoded.data };
}
