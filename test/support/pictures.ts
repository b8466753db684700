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

/**
 * A drawing: boxes, lines, a gradient and a symbol that returns, on one colour. Much of it looks alike, at all distances from
 * the borders.
 */
export function drawing(width: number, height: number, channels: 1 | 3 = 3, seed = 1, bits: 8 | 16 = 8): Picture {
  const random = randomNumbers(seed * 104_729 + width * 31 + height);
  const most = 2 ** bits;
  const data = bits === 8 ? new Uint8Array(width * height * channels) : new Uint16Array(width * height * channels);
  const fill = (
    left: number,
    top: number,
    wide: number,
    high: number,
    valueAt: (x: number, y: number) => number,
  ): void => {
    for (let y = top; y < Math.min(height, top + high); y++) {
      for (let x = left; x < Math.min(width, left + wide); x++) {
        for (let channel = 0; channel < channels; channel++) {
          data[(y * width + x) * channels + channel] = (valueAt(x - left, y - top) * (channel + 1)) % most;
        }
      }
    }
  };
  const plain = (): (() => number) => {
    const value = random(most);
    return () => value;
  };
  fill(0, 0, width, height, plain());
  fill(random(width), random(height), random(width), random(height), plain());
  fill(0, random(height), width, 1, plain());
  fill(random(width), 0, 2, height, plain());
  fill(random(width), random(height), 60, 60, (_, y) => y * 3);
  const symbol = Array.from({ length: 25 }, () => random(most));
  for (let stamp = 0; stamp < 3; stamp++) {
    fill(9 * random(width / 9), 9 * random(height / 9), 5, 5, (x, y) => symbol[y * 5 + x]!);
  }
  return { width, height, channels, data };
}

/** Number of values in which two results differ; Infinity when their lengths do. Far quicker than comparing in an assertion. */
export function differences(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
