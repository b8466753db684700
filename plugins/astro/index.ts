/**
 * The image service for Astro.
 * @module upres/astro
 */
import { createHash } from 'node:crypto';
import { engineIdentity } from '#upres/asset/engine-identity.js';
import { modelStampSync } from './model-stamp.js';
import { checkAstroOptions, serviceConfig, type ServiceConfig, type UpresAstroOptions } from './options.js';

export type { AssetOptions } from '#upres/asset/options.js';
export type { ServiceConfig, UpresAstroOptions } from './options.js';

/** What Astro's configuration takes as `image.service`. */
export interface ImageService {
  /** The module of the service, for Astro to import. */
  readonly entrypoint: string;
  /** The options, checked and complete. */
  readonly config: ServiceConfig & Record<string, unknown>;
}

/**
 * Astro's own image service, except that a picture that is wanted larger than it is gets enlarged by a network first:
 * `image: { service: upres() }` in `astro.config.mjs`.
 * @throws UpresError BAD_ARGUMENT for options that don't exist or can't be
 */
export function upres(options: UpresAstroOptions = {}): ImageService {
  checkAstroOptions(options);
  const { model, models = {}, onError, device } = options;
  const made = [engineIdentity(device), model, modelStampSync(models), onError];
  const identity = createHash('sha256').update(JSON.stringify(made)).digest('base64url').slice(0, 12);
  return { entrypoint, config: { ...serviceConfig(options, identity) } };
}

export default upres;

/**
 * What `require()` gives: the function itself, and what `import` finds by name.
 * @hidden
 */
const required = Object.assign(upres, { upres, default: upres });
export { required as 'module.exports' };

/**
 * Astro's sharp service reads `import.meta.env`, so Vite has to take this module into the bundle with it, which it does with
 * nothing in `node_modules` that ends in `.js`; the query makes that another ending. The core stays outside, with its threads.
 */
const entrypoint = 'upres/astro/service?bundled';
