import type { UpresError } from '../errors.js';
import type { Device } from '../network/device.js';
import type { Job } from './plan.js';

/** An output that was made. */
export interface Made {
  readonly kind: 'made';
  readonly job: Job;
  /** Path of the file; differs from the job's where the original stands in with another extension. */
  readonly output: string;
  /** Pixels; undefined where the original stands in and even its header can't be read. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly sourcePixels: number;
  readonly outputPixels: number;
  /** Output width divided by source width. */
  readonly upscale: number;
  /** Label of the model that computed it; undefined for an original, and for a picture made by hand. */
  readonly model: string | undefined;
  /** Why `--model auto` chose it, in words. */
  readonly modelReason?: string;
  /** What computed it; undefined for an original. */
  readonly device?: Device;
  readonly approximate?: 1;
  readonly approximateBy?: number;
  /** Milliseconds from taking up the image to its file being in place. */
  readonly ms: number;
  readonly bytes: number;
  /** The very same bytes were there already. */
  readonly unchanged: boolean;
  /** Nothing was computed: the result comes from the cache. */
  readonly cached: boolean;
  /** What stands in for the upscaled image, as `--on-error` allows, and why. */
  readonly fallback?: { readonly kind: 'original' | 'resize'; readonly error: UpresError };
  readonly frames?: number;
  /** What the user should know. */
  readonly notes?: readonly string[];
}

export interface Failed {
  readonly kind: 'failed';
  /** The input, or the argument that leads to none. */
  readonly input: string;
  readonly error: UpresError;
}

/** Taken up, then interrupted: neither made nor failed. */
export interface Stopped {
  readonly kind: 'stopped';
}

export type Outcome = Made | Failed | Stopped;
