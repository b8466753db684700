import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Type } from 'typebox';
import { AssetCache } from '../../../asset/cache/asset-cache.js';
import { unpackResult } from '../../../asset/cache/result-blob.js';
import { CacheBound } from '../../service/cache-bound.js';
import type { Server, ServerContext } from '../../service/context.js';
import { matchesTag } from '../etag.js';
import { onEnd } from '../on-end.js';
import { Problem } from '../problem.js';
import { commonProblems, emptyResponse, problemResponses } from '../schemas.js';
import { inPieces } from '../transfer.js';
import { readUpload } from '../upload.js';

const blobType = 'application/octet-stream';
const params = Type.Object(
  { key: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'The name of a result.' }) },
  { additionalProperties: false },
);
const blob = { type: 'string', format: 'binary' };

/**
 * `/v1/cache/{key}`: the remote cache of builds (`UPRES_REMOTE_CACHE=https://…/v1/cache/`). What is put must be a result under its own name;
 * whether it is to be believed, its readers decide by its signature.
 */
export function sharedCacheRoutes(app: Server, context: ServerContext): void {
  const { folder, limits } = context.settings;
  const warn = (message: string): void => {
    app.log.warn(message);
  };
  const cache = new AssetCache<object>(join(folder, 'shared-cache'), warn);
  const bound = new CacheBound(cache, limits.cacheBytes, warn);
  app.addHook('onClose', () => bound.settled());

  app.get(
    '/v1/cache/:key',
    {
      schema: {
        operationId: 'getCached',
        summary: 'A result of a build, for another',
        tags: ['cache'],
        params,
        response: {
          200: { description: 'The result, with its facts.', content: { [blobType]: { schema: blob } } },
          304: emptyResponse('The client has it already.'),
          ...problemResponses(...commonProblems, 404),
        },
      },
    },
    async (request, reply) => {
      const found = await cache.get(request.params.key);
      if (!found) throw new Problem(404, 'NOT_FOUND', 'there is no result of that name');
      const etag = `"${createHash('sha256').update(found.hash).digest('base64url')}"`;
      reply.headers({ etag, 'cache-control': 'private, no-cache' });
      if (matchesTag(request.headers['if-none-match'], etag)) return reply.code(304).send();
      onEnd(reply, context.occupancy.holdBytes(request.client, found.data.length));
      return reply.header('content-length', String(found.data.length)).type(blobType).send(inPieces(found.data));
    },
  );

  app.put(
    '/v1/cache/:key',
    {
      config: { work: true, body: { content: { [blobType]: { schema: blob } } } },
      schema: {
        operationId: 'putCached',
        summary: 'Keep a result of a build for others',
        description: 'With `If-None-Match: *` what is there stays: 412.',
        tags: ['cache'],
        params,
        response: {
          204: emptyResponse('It is kept.'),
          ...problemResponses(...commonProblems, 408, 412, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { key } = request.params;
      const { bodyBytes } = limits;
      const upload = await readUpload(request, context, { images: 1, bytes: bodyBytes });
      onEnd(reply, upload.release);
      if (request.headers['if-none-match'] === '*' && (await cache.get(key))) {
        throw new Problem(412, 'NOT_MODIFIED', 'there is a result of that name already');
      }
      const [sent] = upload.images;
      const result = sent && (await unpackResult(key, sent.bytes, undefined));
      if (!result || 'refused' in result) {
        throw new Problem(422, 'BAD_ARGUMENT', `this is not kept: ${result?.refused ?? 'there is nothing'}`);
      }
      await cache.put(key, sent.bytes, {});
      bound.add(sent.bytes.length);
      return reply.code(204).send();
    },
  );
}
