import type { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import type { MeasuredGeometry } from '#src/network/weights/weights-manifest.js';

/** What was measured of a network, which the types of the package leave out. */
export function geometryOf({ weights }: ThreadSafeNetwork): MeasuredGeometry {
  return (weights as unknown as { readonly geometry: MeasuredGeometry }).geometry;
}
