import { chooserVersion } from '../image/auto/auto-model.js';
import { PICTURE_VERSION } from '../image/picture-version.js';
import { builtinLabels, builtinNetwork } from '../model/catalogue/registry.js';
import { REWRITE_VERSION } from '../model/catalogue/rewrite-version.js';
import { runtimeVersion } from '../network/pool/runtime.js';
import { encoderVersion, version } from '../version.js';

/**
 * A text that changes whenever the same source, directives and options may give other bytes: for build tools that keep results
 * by themselves. Networks of the user's own are not in it; `ownModelFiles` tells their files.
 */
export function engineIdentity(): string {
  const networks = builtinLabels()
    .filter(({ kind }) => kind === 'network')
    .flatMap(({ label, scales }) => scales.map((scale) => builtinNetwork(label, scale).card.sha256));
  return [version, runtimeVersion, encoderVersion, REWRITE_VERSION, PICTURE_VERSION, chooserVersion, ...networks].join(
    ' ',
  );
}
