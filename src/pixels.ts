import { UpresError } from './errors.js';

/** Type of the numbers that a network takes and gives: the whole range of an unsigned integer, or float32 from 0 to 1. */
export type PixelType = 'uint8' | 'uint16' | 'float32';

/** Arrays that hold pixels, one for each `PixelType`. */
export type PixelArray = Uint8Array | Uint16Array | Float32Array;

/** Values of a picture as files have them: 8 or 16 bits each. */
export type Samples = Uint8Array | Uint16Array;

/** What kind of pixels something is made for: networks have a graph and a session for each. */
export interface PixelKind {
  readonly type: PixelType;
  readonly channels: 1 | 3;
}

/**
 * Raw pixels: rows from top to bottom, pixels from left to right, channels interleaved, values as in a file (sRGB encoded),
 * the full range of the type. Three channels are R, G, B; one is grey, alpha or any other plane.
 */
export interface PixelImage<Data extends PixelArray = Samples> {
  /** Pixels, at least 1. */
  readonly width: number;
  /** Pixels, at least 1. */
  readonly height: number;
  /** 3 for R, G and B. */
  readonly channels: 1 | 3;
  /** `width * height * channels` values. */
  readonly data: Data;
}

/** A frame between decoding and encoding: colour, and what covers it. */
export interface Frame {
  readonly colour: PixelImage;
  /** One channel, full value = opaque; undefined where all is opaque. */
  readonly alpha: PixelImage | undefined;
}

/** A batch of one image as floating point numbers, NHWC, R G B, 0 to 1. */
export interface ImageTensor<Buffer extends ArrayBufferLike = ArrayBufferLike> {
  /** `[1, height, width, 3]` */
  readonly dims: readonly [1, number, number, 3];
  /** `height * width * 3` values. */
  readonly data: Float32Array<Buffer>;
}

/** Pixels on each side of something. */
export interface Sides {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** How far a network looks beyond a pixel on each side, in input pixels: the context that a tile needs. */
export type Halo = Sides;

/** How much is done of a call, or of all frames, planes and steps of a picture. */
export interface Progress {
  /** Pixels that networks take whose result is there. */
  readonly donePixels: number;
  /** Pixels that networks take in all. */
  readonly totalPixels: number;
}

export function pixelTypeOf(data: PixelArray): PixelType {
  if (data instanceof Uint8Array) return 'uint8';
  return data instanceof Uint16Array ? 'uint16' : 'float32';
}

export function bytesPerValue(type: PixelType): number {
  return type === 'uint8' ? 1 : type === 'uint16' ? 2 : 4;
}

/** A view of the whole buffer as values of the type. */
export function viewPixels(type: PixelType, buffer: ArrayBufferLike): PixelArray {
  if (type === 'uint8') return new Uint8Array(buffer);
  return type === 'uint16' ? new Uint16Array(buffer) : new Float32Array(buffer);
}

/**
 * Throws BAD_ARGUMENT unless the size is positive and fits the data.
 */
export function checkPixels(width: number, height: number, channels: number, data: ArrayLike<number>): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new UpresError('BAD_ARGUMENT', `an image is at least 1×1 pixels, not ${width}×${height}`);
  }
  if (channels !== 1 && channels !== 3) {
    throw new UpresError(
      'BAD_ARGUMENT',
      `a network takes 1 or 3 channels, not ${channels}: alpha is a plane of its own (Upscaler separates it)`,
    );
  }
  if (data.length !== width * height * channels) {
    throw new UpresError(
      'BAD_ARGUMENT',
      `${width}×${height} pixels with ${channels} channels are ${width * height * channels} values, not ${data.length}`,
    );
  }
}

/** The value that stands for white, or for opaque. */
export const maxValue = (data: Samples): 255 | 65535 => (data instanceof Uint8Array ? 255 : 65535);

/** As many zeros of the same type. */
export function samplesLike(data: Samples, length: number): Samples {
  return data instanceof Uint8Array ? new Uint8Array(length) : new Uint16Array(length);
}
