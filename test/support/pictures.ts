/** Raw pixels as `upscaleImage` takes them. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array | Uint16Array;
}

/** Numbers below `limit` from a fixed sequence: a test sees the same ones every time. */
export function randomNumbers(seed: number): (limit: number) => number {
  // Lehmer's generator with Park and Miller's constants.
  let state = (seed % 2_147_483_646) + 1;
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647;
    return Math.floor((state / 2_147_483_647) * limit);
  };
}

/** A picture of noise: every pixel counts, so a wrong one anywhere shows. */
export function noise(width: number, height: number, channels: 1 | 3 = 3, seed = 1, bits: 8 | 16 = 8): Picture {
  const random = randomNumbers(seed * 7919 + width * 31 + height);
  const length = width * height * channels;
  const data = bits === 8 ? new Uint8Array(length) : new Uint16Array(length);
  for (let i = 0; i < length; i++) data[i] = random(2 ** bits);
  return { width, height, channels, data };
}

/** A picture of one colour. */
export function flat(width: number, height: number, colour: readonly [number, number, number]): Picture {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3]!);
  return { width, height, channels: 3, data };
}

/** Number of values in which two results differ; Infinity when their lengths do. Far quicker than comparing in an assertion. */
export function differences(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
