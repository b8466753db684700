import { UsageError } from './usage-error.js';

const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/** A decimal number, or NaN: without the signs, exponents, blanks and hexadecimals that Number() lets pass. */
export function decimal(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
}

/**
 * A whole number without a unit.
 * @param unit in words, for the error: ` of pixels`
 * @throws UsageError
 */
export function whole(flag: string, text: string, least: number, most: number, unit = ''): number {
  const value = decimal(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`${flag} takes a whole number${unit} from ${least} to ${most}, not "${text}"`);
}

/**
 * A limit, such as bytes or pixels, with or without a unit: `120000000`, `120M`, `64Mi`, `1.5G`.
 * @throws UsageError
 */
export function amount(flag: string, text: string, what = 'a number', least = 0): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)((?:[kmg]i?)?)$/i.exec(text) ?? [];
  const value = decimal(digits) * units[unit.toLowerCase()]!;
  if (value >= least && value <= Number.MAX_SAFE_INTEGER) return value;
  throw new UsageError(`${flag} takes ${what}, such as 100000000, 100M or 64Mi, not "${text}"`);
}

/** A number as `amount` reads it, in the fewest characters. */
export function shortest(value: number): string {
  return Object.entries(units)
    .filter(([, size]) => value % size === 0 && value >= size)
    .map(([unit, size]) => `${value / size}${unit === 'k' ? unit : unit.charAt(0).toUpperCase() + unit.slice(1)}`)
    .reduce((best, text) => (text.length < best.length ? text : best));
}
