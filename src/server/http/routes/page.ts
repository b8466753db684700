import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type {} from '@fastify/swagger';
import type { Server } from '../../service/context.js';
import { matchesTag } from '../etag.js';

/** Where the page's files lie in the package: the same way from `dist/` as from `src/`, so that nothing has to copy them. */
const folder = new URL('../../../../src/server/http/page/', import.meta.url);

/** What is served: nothing but these, so no path of a request ever reaches the file system. */
const files = [
  { path: '/', name: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page/page.css', name: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/page/page.js', name: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page/compare.js', name: 'compare.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page/upload.js', name: 'upload.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page/icon.svg', name: 'icon.svg', type: 'image/svg+xml' },
] as const;

/** Only what this server sends, no script or style inside of a document, no frame around it; pictures come as blobs. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/**
 * The page at `/`: drop a picture, see before and after. Its files are read once. They hold no secret, so no token is needed for
 * them: the page asks for one.
 */
export async function pageRoutes(app: Server): Promise<void> {
  for (const { path, name, type } of files) {
    const bytes = await readFile(new URL(name, folder));
    const tag = `"${createHash('sha256').update(bytes).digest('base64url')}"`;
    app.get(path, { config: { open: true }, schema: { hide: true } }, (request, reply) => {
      reply.headers({
        'content-type': type,
        'content-security-policy': policy,
        // Asked for again each time, and answered with 304 until upres is another.
        'cache-control': 'no-cache',
        etag: tag,
      });
      return matchesTag(request.headers['if-none-match'], tag) ? reply.code(304).send() : reply.send(bytes);
    });
  }
}
