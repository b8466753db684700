import { autoChoices, autoModel, chooserVersion } from '../image/auto/auto-model.js';
import { PICTURE_VERSION } from '../image/picture-version.js';
import { builtinLabels, builtinNetworks, isInterpolation } from '../model/catalogue/registry.js';
import { OWN_REWRITE_VERSION, REWRITE_VERSION } from '../model/catalogue/rewrite-version.js';
import type { DeviceChoice } from '../network/device.js';
import { runtimeVersion } from '../network/pool/runtime.js';
import { expectedDevice } from '../network/processor.js';
import { encoderVersion, version } from '../version.js';

/** What has a part in every result, whatever is asked for. */
export const makers = { engine: [version, PICTURE_VERSION], runtime: runtimeVersion, encoder: encoderVersion } as const;

const labels = new Map<string, string | undefined>();

/**
 * All networks of a built-in label, since which of them are used depends on the picture's size. Undefined where it is no label. Those
 * in the package don't change while it is used.
 */
export function labelIdentity(label: string): string | undefined {
  if (!labels.has(label)) labels.set(label, identityOf(label));
  return labels.get(label);
}

function identityOf(label: string): string | undefined {
  if (label === autoModel) {
    // The choice itself follows from the source, which is in the key.
    return [`${autoModel} ${chooserVersion}`, ...autoChoices.map(labelIdentity)].join(' ');
  }
  if (isInterpolation(label)) return `${label} ${REWRITE_VERSION}`;
  const hashes = builtinNetworks(label).map(({ card }) => card.sha256);
  return hashes.length === 0 ? undefined : [label, REWRITE_VERSION, ...hashes].join(' ');
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
    .flatMap(({ label }) => builtinNetworks(label).map(({ card }) => card.sha256));
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
