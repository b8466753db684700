import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hasImageExtension } from '#upres/asset/names.js';
import { mimeType } from '#upres/asset/markup.js';
import type { RenderedVariant } from '#upres/asset/pipeline.js';
import { isOurs, splitUrl } from '#upres/asset/urls.js';
import { hasCode, messageOf, UpresError, type UpresErrorCode } from '#upres/errors.js';
import type { Connect, ViteDevServer } from 'vite';
import { normalizePath } from './normalize-path.js';
import { devFiles } from './dev-url.js';
import type { PlannedAsset, Session } from './session.js';

/**
 * Answers requests for images with directives. URLs say all there is to know, so a restart loses nothing, and nothing is
 * computed before a browser asks for it.
 */
export function devMiddleware(session: Session): Connect.NextHandleFunction {
  return (request, response, next) => {
    const url = request.url ?? '';
    const { path, query } = splitUrl(url);
    const reads = request.method === 'GET' || request.method === 'HEAD';
    // Modules that import images carry `import`; those are JavaScript, and Vite's.
    if (!reads || !isOurs(url) || /(?:^|&)import(?:[=&]|$)/.test(query)) {
      next();
      return;
    }
    answer(session, path, query, request, response, next).catch((error: unknown) => {
      if (response.destroyed) return;
      const { status, message } = refusal(error);
      if (status >= 500) session.config.logger.error(session.readable(error, path).message, { timestamp: true });
      refuse(response, status, message);
    });
  };
}

async function answer(
  session: Session,
  path: string,
  query: string,
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  const file = await existing(devFiles(session.config, path));
  if (file === undefined) {
    // Pages and interfaces of the project's own server may have a key of that name, too.
    if (!hasImageExtension(path)) next();
    else refuse(response, 404, 'There is no such file.');
    return;
  }
  if (!(await mayServe(session, file))) {
    refuse(response, 403, 'This file is outside of what Vite may serve.');
    return;
  }
  const asset = await session.plan(file, query);
  if (asset.plan.shape !== 'url')
    throw new UpresError('BAD_ARGUMENT', `a request is for one file, not for as=${asset.plan.shape}`);
  send(session, request, response, await render(session, asset, gone.signal));
}

/** Vite serves `public/` wherever it is, and other files by its own rules, also where it hands on requests unasked. */
async function mayServe({ config }: Session, file: string): Promise<boolean> {
  const { isFileLoadingAllowed } = await import('vite');
  if (isFileLoadingAllowed(config, file)) return true;
  return config.publicDir !== '' && file.startsWith(`${normalizePath(config.publicDir)}/`);
}

async function render(session: Session, asset: PlannedAsset, signal: AbortSignal): Promise<RenderedVariant> {
  const { pipeline, options } = session;
  const { plan } = asset;
  const variant = plan.variants[0]!;
  if (options.dev === 'off') {
    const { format, width, height } = plan.info;
    return { data: await variant.image.bytes(), format, width, height, status: 'original' };
  }
  // Without a cache the real one would be made and lost again, request by request.
  if (options.dev !== 'preview' || options.cache === false) return pipeline.render(plan, variant, { signal });
  const cached = await pipeline.findCached(plan, variant);
  if (cached) return cached;
  const preview = await pipeline.preview(plan, variant, { signal });
  // It is not waited for: the next request finds it in the cache.
  pipeline.render(plan, variant, { priority: -1 }).catch((error: unknown) => {
    if (hasCode(error, 'ABORTED')) return;
    session.config.logger.error(session.readable(error, session.show(plan.file)).message, { timestamp: true });
  });
  return preview;
}

function send(session: Session, request: IncomingMessage, response: ServerResponse, rendered: RenderedVariant): void {
  const { data, format } = rendered;
  const tag = `"${createHash('sha256').update(data).digest('base64url').slice(0, 27)}"`;
  for (const [name, value] of Object.entries({ ...session.config.server.headers })) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.setHeader('ETag', tag);
  response.setHeader('Cache-Control', 'no-cache');
  const known = request.headers['if-none-match']?.split(',').map((text) => text.trim().replace(/^W\//, ''));
  if (known?.includes(tag)) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': mimeType(format), 'Content-Length': data.byteLength });
  response.end(request.method === 'HEAD' ? undefined : data);
}

/** What the asker did wrong; all else is ours. */
const statuses: Readonly<Partial<Record<UpresErrorCode, number>>> = {
  BAD_ARGUMENT: 400,
  OUTPUT_TOO_LARGE: 400,
  UNSUPPORTED_FORMAT: 400,
  INPUT_NOT_FOUND: 404,
};

function refusal(error: unknown): { status: number; message: string } {
  const message = messageOf(error);
  return { status: (error instanceof UpresError ? statuses[error.code] : undefined) ?? 500, message };
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(`upres: ${message}\n`);
}

async function existing(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile()) return file;
  }
  return undefined;
}

/**
 * Puts the middleware behind Vite's checks of hosts and origins, its proxies and its base, and before those that serve files.
 * To be called when Vite's own are in place.
 */
export function install(server: ViteDevServer, session: Session): void {
  const { stack } = server.middlewares;
  const behind = stack.findIndex(({ handle }) => (handle as { name?: string }).name === 'viteHMRPingMiddleware');
  server.middlewares.use(devMiddleware(session));
  if (behind >= 0) stack.splice(behind + 1, 0, stack.pop()!);
}
