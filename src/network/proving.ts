// How a network proves itself before it is used: it runs on fixed pixels, and what it gives is compared.
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { messageOf, UpresError } from '../errors.js';
import { bytesPerValue, viewPixels, type PixelArray, type PixelType } from '../pixels.js';
import type { SessionRuntime } from './pool/runtime.js';

/** Pixels as a core takes and gives them. */
export interface Plane {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Largest value of each type. */
export const white: Readonly<Record<PixelType, number>> = { uint8: 255, uint16: 65535, float32: 1 };

/** Values from a fixed sequence, not too near black and white, where clipping would hide differences. */
export function testPattern(type: PixelType, values: number): PixelArray {
  const pattern = viewPixels(type, new ArrayBuffer(values * bytesPerValue(type)));
  for (let i = 0; i < values; i++) pattern[i] = white[type] * (0.25 + ((i * 7919) % 257) / 514);
  return pattern;
}

/** The runtime writes no line to the terminal of what fails: a trial may, and it is told what. */
const quietly = { logSeverityLevel: 4 } as const;

/** What runs a core: a session, or what runs several in its place. */
export interface CoreRunner {
  readonly run: (
    feeds: { readonly input: Tensor },
    options?: InferenceSession.RunOptions,
  ) => Promise<Awaited<ReturnType<InferenceSession['run']>>>;
}

/**
 * Runs a network's core on one picture.
 * @param plane values 0 to 1: all of red, then green, then blue
 * @throws MODEL_UNSUPPORTED where it can't be run, or gives no picture
 */
export async function runOnPlane(runtime: SessionRuntime, session: CoreRunner, plane: Plane): Promise<Plane> {
  let output;
  try {
    const input = new runtime.Tensor('float32', plane.data, [1, 3, plane.height, plane.width]);
    ({ output } = await session.run({ input }, quietly));
  } catch (cause) {
    const message = messageOf(cause);
    throw new UpresError(
      'MODEL_UNSUPPORTED',
      `the network can't be run on ${plane.width}×${plane.height} pixels: ${message}`,
      {
        cause,
      },
    );
  }
  const [batch, channels, height, width] = output?.dims ?? [];
  if (!output || batch !== 1 || channels !== 3 || height === undefined || width === undefined) {
    throw new UpresError('MODEL_UNSUPPORTED', `the network's output has the shape [${output?.dims.join(', ') ?? ''}]`);
  }
  return { data: output.data as Float32Array, width, height };
}

/**
 * The largest difference of two results, value by value. Infinity where they are not of one length, and NaN where one of them holds
 * a NaN: compare it so that NaN is not within any tolerance.
 */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
