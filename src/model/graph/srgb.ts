import type { GraphWriter } from './onnx/graph-writer.js';

// The transfer function of sRGB (IEC 61966-2-1): linear = srgb / 12.92 up to 0.04045, ((srgb + 0.055) / 1.055)^2.4 above.
//
// The powers are polynomials of square roots, made of single additions and multiplications. The runtime's Pow computes
// most values in vectors and the last few of a row one by one, with different last bits, so a tile could differ from the
// whole picture. Square roots, sums and products are rounded correctly wherever they stand.

/** Degree at which both approximations are as exact as float32 (largest error below 2e-7). */
const DEGREE = 12;

/** Nodes that turn sRGB values in 0..1 into linear light. */
export function toLinear(writer: GraphWriter, srgb: string): string {
  const shifted = affine(writer, srgb, 1 / 1.055, 0.055 / 1.055);
  const root = writer.op('Sqrt', [shifted]);
  const power = polynomial(writer, root, Math.sqrt((0.04045 + 0.055) / 1.055), 1, (t) => t ** 4.8);
  return choose(writer, srgb, 0.04045, 1 / 12.92, power);
}

/** Nodes that turn linear light in 0..1 into sRGB values. */
export function toSrgb(writer: GraphWriter, linear: string): string {
  const root = writer.op('Sqrt', [writer.op('Sqrt', [linear])]);
  const power = polynomial(writer, root, 0.0031308 ** 0.25, 1, (t) => 1.055 * t ** (4 / 2.4) - 0.055);
  return choose(writer, linear, 0.0031308, 12.92, power);
}

/** value <= limit ? value * slope : otherwise. */
function choose(writer: GraphWriter, value: string, limit: number, slope: number, otherwise: string): string {
  const low = writer.op('Mul', [value, writer.floats([slope])]);
  return writer.op('Where', [writer.op('LessOrEqual', [value, writer.floats([limit])]), low, otherwise]);
}

function affine(writer: GraphWriter, value: string, slope: number, offset: number): string {
  return writer.op('Add', [writer.op('Mul', [value, writer.floats([slope])]), writer.floats([offset])]);
}

/** f(t) for t in low..high by Chebyshev interpolation, evaluated with Horner's rule in t scaled to -1..1. */
function polynomial(writer: GraphWriter, t: string, low: number, high: number, f: (t: number) => number): string {
  const middle = (low + high) / 2;
  const radius = (high - low) / 2;
  const coefficients = chebyshevFit((x) => f(middle + radius * x));
  const x = affine(writer, t, 1 / radius, -middle / radius);
  let sum = writer.floats([coefficients[DEGREE]!]);
  for (let power = DEGREE - 1; power >= 0; power--) {
    sum = writer.op('Add', [writer.op('Mul', [sum, x]), writer.floats([coefficients[power]!])]);
  }
  return sum;
}

/** Coefficients of 1, x, x^2, ... of the polynomial that equals f at the Chebyshev nodes of -1..1. */
function chebyshevFit(f: (x: number) => number): number[] {
  const count = DEGREE + 1;
  const nodes = Array.from({ length: count }, (_, k) => Math.cos((Math.PI * (k + 0.5)) / count));
  const values = nodes.map(f);
  const result = new Array<number>(count).fill(0);
  // T0 = 1, T1 = x, T(n+1) = 2x T(n) - T(n-1), as coefficients.
  let previous = [1];
  let current = [0, 1];
  for (let order = 0; order < count; order++) {
    const basis = order === 0 ? previous : current;
    const weight = values.reduce((sum, y, k) => sum + y * Math.cos((order * Math.PI * (k + 0.5)) / count), 0);
    basis.forEach((c, power) => (result[power]! += (c * weight * (order === 0 ? 1 : 2)) / count));
    if (order > 0) {
      const next = [0, ...current.map((c) => 2 * c)];
      previous.forEach((c, power) => (next[power]! -= c));
      [previous, current] = [current, next];
    }
  }
  return result;
}
