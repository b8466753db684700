import { outputFormats, type OutputFormat } from '../../image/codec/formats.js';

/** The media type of a format; the two end alike for all of them. */
export function mediaTypeOf(format: OutputFormat): `image/${OutputFormat}` {
  return `image/${format}`;
}

/** Of all formats that are read and written. */
export const imageTypes = outputFormats.map(mediaTypeOf);

/** Content types of a body that is one image. What it really is, its bytes tell. */
export const rawTypes = /^(?:image\/[\w.+-]+|application\/octet-stream)$/;
