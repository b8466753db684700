import type { Geometry } from '../model/geometry.js';

export const manifestName = 'manifest.json';

/** A geometry whose scale was seen in a trial run. */
export interface MeasuredGeometry extends Geometry {
  readonly scale: number;
}

/** What stands beside prepared weights: what they are, and what their files must hash to before they are mapped. */
export interface WeightsManifest {
  readonly geometry: MeasuredGeometry;
  /** SHA-256 of each file, by name. */
  readonly files: Readonly<Record<string, string>>;
}
