/** An exact fraction in lowest terms, with a positive denominator. */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

export const ONE: Rational = { num: 1, den: 1 };

/** num / den in lowest terms; both are integers above 0. */
export function rational(num: number, den = 1): Rational {
  const divisor = gcd(num, den);
  return { num: num / divisor, den: den / divisor };
}

export function times(a: Rational, b: Rational): Rational {
  return rational(a.num * b.num, a.den * b.den);
}

export function equal(a: Rational, b: Rational): boolean {
  return a.num === b.num && a.den === b.den;
}

export function toNumber({ num, den }: Rational): number {
  return num / den;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

export function lcm(a: number, b: number): number {
  return (a / gcd(a, b)) * b;
}
