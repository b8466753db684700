/** Values of one picture, 8 or 16 bits each. */
export type Samples = Uint8Array | Uint16Array;

/**
 * Raw pixels of one plane of a frame, rows from top to bottom, channels interleaved. What the network takes and gives.
 */
export interface Plane {
  readonly width: number;
  readonly height: number;
  /** 3 = R, G, B; 1 = grey or alpha. */
  readonly channels: 1 | 3;
  /** `width * height * channels` values. */
  readonly data: Samples;
}

/** A frame between decoding and encoding: colour, and what covers it. */
export interface Frame {
  readonly colour: Plane;
  /** One channel, full value = opaque; undefined where all is opaque. */
  readonly alpha: Plane | undefined;
}

export const maxValue = (data: Samples): 255 | 65535 => (data instanceof Uint8Array ? 255 : 65535);

/** As many zeros of the same type. */
export function samplesLike(data: Samples, length: number): Samples {
  return data instanceof Uint8Array ? new Uint8Array(length) : new Uint16Array(length);
}
