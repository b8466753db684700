import { createHash } from 'node:crypto';
import type { Colours } from '../../model/catalogue/colours.js';
import type { Geometry } from '../../model/catalogue/geometry.js';
import type { SegmentPlan } from '../../model/catalogue/segment-names.js';

export const manifestName = 'manifest.json';

/** The graph without what reads and writes pixels. */
export const coreName = 'core.onnx';

/** The same, trimmed to the cores of tiles: then it is used in its place. */
export const trimmedName = 'trimmed.onnx';

/** The same, in segments: then it is used in its place. */
export const segmentsName = 'segments.onnx';

/** One of the passes of a network that pools over the whole picture. */
export const passName = (pass: number): string => `pass${pass}.onnx`;

/** Passes over a picture: one for each stage of pools, and the last; none for a network without pools. */
export const passCount = ({ pooling }: Geometry): number => (pooling ? pooling.stages.length + 1 : 0);

/** A geometry as it was seen in a trial run. */
export interface MeasuredGeometry extends Geometry {
  readonly scale: number;
  /** Input pixels that one thread computes in a millisecond on this machine. */
  readonly pixelsPerMs: number;
  /** Where it can't compute smaller pictures as a whole: the least sides that it can, a multiple of `multipleOf`. Smaller ones are mirrored up to it. */
  readonly leastSide?: number;
  /**
   * Where the prepared graph is trimmed, so that its result lacks the halo: the share of the work on a halo that it leaves out. Undefined
   * where the result has the halo.
   */
  readonly trimmed?: number;
  /** Where tiles can't equal the whole bit for bit, or not at a bearable cost: how near they come. */
  readonly approximation?: Approximation;
  /** Where the prepared graph is cut into segments, of which each run does one: how they are run. */
  readonly segments?: SegmentPlan;
  /** What a user's network was found to take and give, where it was not what its file and card say. */
  readonly colours?: Colours;
  /** What its user should know of it. */
  readonly notes?: readonly string[];
}

/** Tiles of a network that looks far around, or that rounds otherwise in tiles than in the whole. */
export interface Approximation {
  /** Input pixels of context on each side of a tile; a multiple of `unit`. */
  readonly halo: number;
  /** Corners of tiles lie on multiples of this. */
  readonly unit: number;
  /** The largest difference from the whole that a trial saw, in levels of 255; undefined where trying would have taken too long. */
  readonly levels?: number;
  /**
   * Tiles differ from the whole by rounding alone, and each picture is cut along a grid of its own: with tiles of any other size it
   * would have other bytes.
   */
  readonly rounds?: true;
}

/** What stands next to prepared weights: what they are, and what their files must hash to before they are mapped. */
export interface WeightsManifest {
  readonly geometry: MeasuredGeometry;
  /** SHA-256 of each file, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** SHA-256 of the rest of the manifest: a wrong halo would be as bad as wrong weights. */
  readonly checksum: string;
}

export function writeManifest(geometry: MeasuredGeometry, files: WeightsManifest['files']): string {
  const manifest: WeightsManifest = { geometry, files, checksum: checksumOf(geometry, files) };
  return JSON.stringify(manifest, undefined, 2);
}

/** Throws an error for a manifest that is damaged. */
export function readManifest(text: string): WeightsManifest {
  const manifest = JSON.parse(text) as WeightsManifest;
  if (checksumOf(manifest.geometry, manifest.files) !== manifest.checksum) throw new Error('the manifest is damaged');
  return manifest;
}

function checksumOf(geometry: MeasuredGeometry, files: WeightsManifest['files']): string {
  return createHash('sha256')
    .update(JSON.stringify([geometry, files]))
    .digest('hex');
}
