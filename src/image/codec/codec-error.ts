import { messageOf, UpresError } from '../../errors.js';
import { formatTraits, type OutputFormat } from './formats.js';
import { unsupportedKind } from './unsupported.js';

/**
 * What a decoder complained about, as an error of ours: UNSUPPORTED_FORMAT where the file is of a kind that it does not know,
 * INPUT_CORRUPT where something is wrong with it.
 * @param bytes the file, or its beginning
 */
export function codecError(
  error: unknown,
  format: OutputFormat,
  bytes: Uint8Array,
  file: string | undefined,
): UpresError {
  if (error instanceof UpresError) return error;
  const reason = reasonOf(error, format);
  const inner = reason === '' ? '' : ` (${reason})`;
  const kind = unsupportedKind(bytes, format);
  if (kind !== undefined) {
    const message = `this is ${kind}${inner}: convert it to an ordinary ${formatTraits[format].display} first`;
    return new UpresError('UNSUPPORTED_FORMAT', message, { file, cause: error });
  }
  const { display } = formatTraits[format];
  const message = `the ${display} is damaged or cut short${inner}: get a fresh copy of it`;
  return new UpresError('INPUT_CORRUPT', message, { file, cause: error });
}

/** How the lines of each format's loader begin, in libvips and in the libraries under it. */
const loaders: Readonly<Record<OutputFormat, RegExp>> = {
  png: /^(?:pngload|libpng|libspng|vipspng|spng)/i,
  jpeg: /^(?:jpegload|VipsJpeg|jpeg2vips)/i,
  webp: /^(?:webpload|webp2vips|webp)/i,
  avif: /^(?:heifload|heif|magick)/i,
  gif: /^(?:gifload|gif)/i,
  tiff: /^(?:tiffload|tiff2vips|TIFF|tiff|LogLuv|PixarLog|Jbig|LZMA|ZSTD|ZIP|Fax|LZW)/,
};

/**
 * What a loader complained of. libvips stacks messages line upon line, some of them about its own inner doings, in a buffer
 * that all pictures of the process share: lines of other loaders are other pictures'.
 * @returns empty where nothing is left
 */
export function reasonOf(error: unknown, format: OutputFormat): string {
  const prefix = /^Input (buffer|file) has corrupt header:\s*/;
  const lines = messageOf(error)
    .split('\n')
    .map((line) => line.trim().replace(prefix, ''))
    .filter((line) => line !== '' && !line.startsWith('source: '));
  const own = lines.find((line) => loaders[format].test(line));
  return own ?? lines.find((line) => !Object.values(loaders).some((loader) => loader.test(line))) ?? '';
}
