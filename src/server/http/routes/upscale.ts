import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CachedResult } from '../../../asset/cached-upscaler.js';
import { Source } from '../../../image/image-source.js';
import type { Server, ServerContext } from '../../service/context.js';
import { namesTag } from '../etag.js';
import { mediaTypeOf } from '../media-types.js';
import { mergeFields } from '../merge-fields.js';
import { negotiateFormat } from '../negotiate.js';
import { onEnd } from '../on-end.js';
import { Problem } from '../problem.js';
import { commonProblems, imageResponse, imagesBody, problemResponses, variantQuery } from '../schemas.js';
import { resultHeaders } from '../result-headers.js';
import { inPieces } from '../transfer.js';
import { readUpload, type Upload } from '../upload.js';
import { parseVariant, type Variant } from '../../service/variant.js';
import { workSignal } from '../work-signal.js';
import { isAborted } from '../../../abort.js';

/** `POST /v1/upscale`: the bytes of an image in, those of the result out. */
export function upscaleRoutes(app: Server, context: ServerContext): void {
  const { settings, images, occupancy, state } = context;
  app.post(
    '/v1/upscale',
    {
      config: { work: true, body: imagesBody(false) },
      schema: {
        operationId: 'upscaleImage',
        summary: 'Upscale an image now',
        description:
          'One image, one result; a job takes several sizes and formats. Results are cached: the same image and directives give the same bytes, and the same `ETag`; with `If-None-Match` nothing is computed for a client that has them: 412.',
        tags: ['images'],
        querystring: variantQuery(settings, false),
        response: {
          200: imageResponse('The result.'),
          ...problemResponses(...commonProblems, 406, 408, 412, 413, 415, 422, 429, 504),
        },
      },
      // Before the schema is applied, and before anything of the body is read.
      preValidation: (request, _, done) => {
        parseVariant(request.query, settings);
        done();
      },
    },
    async (request, reply) => {
      onEnd(reply, state.beginRequest());
      const upload = await readUpload(request, context, { images: 1, bytes: settings.limits.bodyBytes });
      onEnd(reply, upload.release);
      const image = onlyImage(upload);
      const asked = parseVariant(mergeFields(request.query, upload.fields), settings);
      const format = asked.format ?? negotiateFormat(request, await images.formatOf(image), asked.lossless);
      const variant = { ...asked, format };
      const tag = await images.etag(image, variant);
      reply.headers({ etag: tag, vary: 'Accept', 'cache-control': 'private, no-cache' });
      const known = request.headers['if-none-match'];
      if (namesTag(known, tag)) throw hasAlready(tag);
      const device = variant.device ?? settings.device;
      if (known !== undefined && device === 'auto') {
        // The CPU may have stood in for the device that computes now.
        const cpuTag = await images.etag(image, { ...variant, device: 'cpu' });
        if (namesTag(known, cpuTag)) throw hasAlready(cpuTag);
      }
      const { outputPixels } = await images.probe(image, [variant]);
      onEnd(reply, occupancy.queue(request.client, outputPixels));
      const result = await upscale(context, request, reply, image, variant);
      // Where a device failed and the CPU stood in, the result is the CPU's.
      if (device !== result.device)
        reply.header('etag', await images.etag(image, { ...variant, device: result.device }));
      // The image has served its purpose; until the client has taken it, the result lies in memory.
      upload.release();
      onEnd(reply, occupancy.holdBytes(request.client, result.data.length));
      const headers = { 'content-length': String(result.data.length), 'server-timing': timing(result) };
      return reply
        .headers({ ...resultHeaders(result), ...headers })
        .type(mediaTypeOf(result.format))
        .send(inPieces(result.data));
    },
  );
}

async function upscale(
  { images, settings, state }: ServerContext,
  { client }: FastifyRequest,
  reply: FastifyReply,
  image: Source,
  variant: Variant,
): Promise<CachedResult> {
  const signal = workSignal(reply, settings.limits.requestSeconds, state);
  try {
    return await images.upscale(image, variant, { client, signal });
  } catch (error) {
    // The signal's reason says more than that something was aborted.
    throw isAborted(error) && signal.aborted ? signal.reason : error;
  }
}

/** For what is not asked for by GET there is no 304 (RFC 9110, 13.1.2). */
function hasAlready(etag: string): Problem {
  return new Problem(412, 'NOT_MODIFIED', 'you have this result already: its ETag is in If-None-Match', {
    headers: { etag },
  });
}

function onlyImage({ images }: Upload): Source {
  const [image] = images;
  if (image && images.length === 1) return new Source(image.bytes);
  throw new Problem(422, 'BAD_ARGUMENT', 'the form holds no file: send one image');
}

/** How long it took, for those who look into a browser's tools. */
function timing({ cached, inferenceMs, codecMs }: CachedResult): string {
  const times = cached ? '' : `, inference;dur=${inferenceMs.toFixed(1)}, codec;dur=${codecMs.toFixed(1)}`;
  return `cache;desc=${cached ? 'hit' : 'miss'}${times}`;
}
