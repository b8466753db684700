import { isUtf8 } from 'node:buffer';
import { UpresError } from '#upres/errors.js';
import type File from 'vinyl';

/** What a decoder of text leaves where it finds no character. */
const replacement = Buffer.from('\ufffd');

/**
 * Gulp 5 reads files as text unless told otherwise, and that destroys every image. What has been read as text is valid UTF-8
 * from end to end, which images are not.
 * @throws INPUT_CORRUPT with the way to mend it
 */
export function checkEncoding(file: File, contents: Buffer): void {
  if (!isUtf8(contents)) return;
  const size = file.history.length === 1 ? file.stat?.size : undefined;
  const changed = size !== undefined && size !== contents.length;
  if (!changed && !contents.includes(replacement)) return;
  throw new UpresError(
    'INPUT_CORRUPT',
    'Gulp has read this image as text, which destroyed it: pass { encoding: false } to src(), as in ' +
      'src("images/**", { encoding: false })',
    { file: file.path },
  );
}
