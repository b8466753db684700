import { coloursOf, computingOf, fileOf, modelId, type ModelChoice } from '../../model/catalogue/colours.js';
import { computingId } from '../../model/catalogue/computing.js';
import { createHash } from 'node:crypto';
import { autoModel } from '../../image/auto/auto-model.js';
import { deviceFor } from '../../image/on-device.js';
import type { UpscaleOptions } from '../../image/upscale.js';
import { expectedDevice } from '../../network/processor.js';
import { Source } from '../../image/image-source.js';
import { labelIdentity, makers } from '../engine-identity.js';

/** What decides about a result besides the source. */
export type ResultOptions = Pick<
  UpscaleOptions,
  | 'upscale'
  | 'width'
  | 'height'
  | 'minWidth'
  | 'model'
  | 'format'
  | 'quality'
  | 'lossless'
  | 'animation'
  | 'colour'
  | 'alpha'
  | 'device'
>;

/**
 * The name of a result in the cache: a hash of everything that it is made of. Neither the runtime nor the decoder is loaded
 * for it, so a build on the CPU whose results are all there never loads them; for `auto`, devices are tried once.
 *
 * @throws MODEL_NOT_FOUND, MODEL_INVALID, DEVICE_UNAVAILABLE
 */
export async function cacheKey(source: Uint8Array | Source, options: ResultOptions): Promise<string> {
  const made = JSON.stringify(await ingredients(Source.of(source), options));
  return createHash('sha256').update(made).digest('hex');
}

/** What a result is made of. Their names and order are those of 0.1.0, whose results stay where they are. */
export async function ingredients(source: Source, options: ResultOptions): Promise<Record<string, unknown>> {
  const {
    upscale,
    width,
    height,
    minWidth,
    model = autoModel,
    format,
    quality,
    lossless,
    animation,
    colour,
    alpha,
    device = expectedDevice(),
  } = options;
  return {
    source: await source.hash(),
    target: { upscale, width, height, minWidth },
    model: await modelIdentity(model),
    encoding: { format, quality, lossless, animation },
    pixels: { colour: colour ?? 'srgb', alpha: alpha ?? 'network' },
    ...makers,
    computed: await deviceFor(device),
  };
}

const known = new Map<string, Promise<string>>();

/** A model file's identity; read again only when it, or what lies next to it, has changed. */
async function fileIdentity(model: ModelChoice): Promise<string> {
  const { modelStamp } = await import('../../model/catalogue/model-files.js');
  const id = `${modelId(model)} ${await modelStamp(fileOf(model))}`;
  let identity = known.get(id);
  if (!identity) {
    const computing = computingId(computingOf(model));
    identity = import('../../model/catalogue/model.js')
      .then(({ modelFromFile }) => modelFromFile(fileOf(model), coloursOf(model)))
      .then(({ key }) => `file ${key}${computing}`);
    known.set(id, identity);
    identity.catch(() => known.delete(id));
  }
  return identity;
}

/** All networks of a label, since which of them are used depends on the picture's size. */
async function modelIdentity(model: ModelChoice): Promise<string> {
  return (typeof model === 'string' ? labelIdentity(model) : undefined) ?? fileIdentity(model);
}
