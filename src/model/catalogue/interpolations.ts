/** Ways to enlarge without training. */
export type Interpolation = 'nearest' | 'bilinear' | 'bicubic';

/** Input pixels on each side that an output pixel depends on. */
export const INTERPOLATION_RADIUS: Readonly<Record<Interpolation, number>> = { nearest: 0, bilinear: 1, bicubic: 2 };

/** Multiply-accumulates of an interpolation per input pixel of three channels. */
export function interpolationMac(kind: Interpolation, scale: number): number {
  return 3 * (scale * (2 * INTERPOLATION_RADIUS[kind] + 1)) ** 2;
}
