import { coloursOf, computingOf, fileOf, modelId, type ModelChoice } from '../model/catalogue/colours.js';
import { computingId } from '../model/catalogue/computing.js';
import { createHash } from 'node:crypto';
import { autoChoices, autoModel, chooserVersion } from '../image/auto/auto-model.js';
import { deviceFor } from '../image/on-device.js';
import { PICTURE_VERSION } from '../image/picture-version.js';
import type { UpscaleOptions } from '../image/upscale.js';
import { builtinLabels, builtinNetwork } from '../model/catalogue/registry.js';
import { OWN_REWRITE_VERSION, REWRITE_VERSION } from '../model/catalogue/rewrite-version.js';
import type { DeviceChoice } from '../network/device.js';
import { expectedDevice } from '../network/processor.js';
import { runtimeVersion } from '../network/pool/runtime.js';
import { encoderVersion, version } from '../version.js';
import { Source } from '../image/image-source.js';

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
    engine: [version, PICTURE_VERSION],
    runtime: runtimeVersion,
    encoder: encoderVersion,
    computed: await deviceFor(device),
  };
}

const known = new Map<string, Promise<string>>();

/** A model file's identity; read again only when it, or what lies next to it, has changed. */
async function fileIdentity(model: ModelChoice): Promise<string> {
  const { modelStamp } = await import('../model/catalogue/model-files.js');
  const id = `${modelId(model)} ${await modelStamp(fileOf(model))}`;
  let identity = known.get(id);
  if (!identity) {
    const computing = computingId(computingOf(model));
    identity = import('../model/catalogue/model.js')
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

const labels = new Map<string, string | undefined>();

/** Undefined where it is no label. Those in the package don't change while it is used. */
function labelIdentity(label: string): string | undefined {
  if (!labels.has(label)) labels.set(label, identityOf(label));
  return labels.get(label);
}

function identityOf(label: string): string | undefined {
  if (label === autoModel) {
    // The choice itself follows from the source, which is in the key.
    return [`${autoModel} ${chooserVersion}`, ...autoChoices.map(labelIdentity)].join(' ');
  }
  const builtin = builtinLabels().find((each) => each.label === label);
  if (!builtin) return undefined;
  if (builtin.kind === 'interpolation') return `${label} ${REWRITE_VERSION}`;
  const hashes = builtin.scales.map((scale) => builtinNetwork(label, scale).card.sha256);
  return [label, REWRITE_VERSION, ...hashes].join(' ');
}

/**
 * A text that changes whenever the same source, directives and options may give other bytes: for build tools that keep results
 * by themselves. Networks of the user's own are not in it; `ownModelFiles` tells their files.
 * @param device that the options name
 * @throws BAD_ARGUMENT where none is named, and `UPRES_DEVICE` is none
 */
export function engineIdentity(device: DeviceChoice = expectedDevice()): string {
  const networks = builtinLabels()
    .filter(({ kind }) => kind === 'network')
    .flatMap(({ label, scales }) => scales.map((scale) => builtinNetwork(label, scale).card.sha256));
  const versions = [
    version,
    runtimeVersion,
    encoderVersion,
    REWRITE_VERSION,
    OWN_REWRITE_VERSION,
    PICTURE_VERSION,
    chooserVersion,
  ];
  return [...versions, device, ...networks].join(' ');
}
