import { fileURLToPath } from 'node:url';
import type { LoaderContext } from 'webpack';
import { readableError } from './loader-answer.js';
import { ownLoaders } from './rules.js';

/** Images are bytes. */
export const raw = true;

/**
 * Refuses an image with directives that has passed no loader of ours. In Rspack, a request that begins with `!` or `-!` is kept from it
 * together with all others of the rules, and the small image would be emitted without a word; only what runs behind those sees that.
 */
export default function checkLoader(this: LoaderContext<unknown>, source: Buffer): void {
  const isOurs = this.loaders.some(({ path }) => path.startsWith(ownLoaders) && path !== ownPath);
  if (isOurs) this.callback(null, source);
  else {
    const message =
      'this image was not upscaled, since its request switches the loaders of rules off, the one of upres among them: ' +
      'leave out the "!" or "-!" in front, and loaders that are named in the request';
    this.callback(readableError(message, this));
  }
}

const ownPath = fileURLToPath(import.meta.url);
