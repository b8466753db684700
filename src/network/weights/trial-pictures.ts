import type { Plane } from '../proving.js';

/** Numbers from a fixed sequence (Lehmer's generator with Park and Miller's constants): a trial is the same every time. */
function numbers(): () => number {
  let state = 20_060_101;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Noise: what looks too little around itself shows. */
export function randomPlane(width: number, height: number): Plane {
  const next = numbers();
  return { data: Float32Array.from({ length: 3 * width * height }, next), width, height };
}

/** Red, green, blue, yellow, black and white. */
const DISCS = [0b001, 0b010, 0b100, 0b011, 0b000, 0b111] as const;

/**
 * A picture such as networks are trained on, of a square's size: gradients of all colours, and discs with soft edges on them.
 * @param contrast 1 for colours up to the borders of the range, less for paler ones
 */
export function pictureLike(side: number, contrast: number): Plane {
  const waves = [
    [1.3, 0.7, 0.2],
    [0.6, 1.5, 1.9],
    [1.1, 1.1, 3.7],
  ] as const;
  const next = numbers();
  const discs = DISCS.map((colour) => {
    const [x, y, size] = [next() * side, next() * side, next()];
    return { colour, x, y, radius: side / 16 + (size * side) / 6 };
  });
  const data = Float32Array.from({ length: 3 * side * side }, (_, at) => {
    const [x, y, channel] = [at % side, Math.floor(at / side) % side, Math.floor(at / side / side)];
    const [across, down, phase] = waves[channel]!;
    let value = 0.5 + 0.5 * Math.sin((2 * Math.PI * (across * x + down * y)) / side + phase);
    for (const disc of discs) {
      const inside = Math.min(1, Math.max(0, (disc.radius - Math.hypot(x - disc.x, y - disc.y)) / 1.5 + 0.5));
      value += inside * (((disc.colour >> channel) & 1) - value);
    }
    return 0.5 + contrast * (value - 0.5);
  });
  return { data, width: side, height: side };
}
