import type {} from '@fastify/accepts';
import type { FastifyRequest } from 'fastify';
import { formatTraits, type OutputFormat } from '../../image/codec/formats.js';
import { mediaTypeOf } from './media-types.js';
import { Problem } from './problem.js';

/** Where the client likes several alike: small files first, and such as show all that the source can. */
const preference: readonly OutputFormat[] = ['avif', 'webp', 'png', 'jpeg', 'gif', 'tiff'];
const animatedFirst: readonly OutputFormat[] = ['webp', 'gif', 'avif', 'png', 'jpeg', 'tiff'];

/**
 * The result's format where none was asked for: the source's own if the client accepts it, else the one that it likes best.
 * @param lossless whether it is to be lossless; only the source's own may then be one that can't, and is an error later
 * @throws Problem NOT_ACCEPTABLE
 */
export function negotiateFormat(request: FastifyRequest, own: OutputFormat, lossless = false): OutputFormat {
  const accepts = request.accepts();
  if (accepts.types([mediaTypeOf(own)]) !== false) return own;
  const offers = (own === 'gif' ? animatedFirst : preference).filter(
    (format) => !lossless || formatTraits[format].lossless !== 'never',
  );
  const type = accepts.types(offers.map(mediaTypeOf));
  const format = offers.find((offer) => mediaTypeOf(offer) === type);
  if (format) return format;
  const types = offers.map(mediaTypeOf).join(', ');
  throw new Problem(406, 'NOT_ACCEPTABLE', `none of ${types} is acceptable by the header Accept`);
}
