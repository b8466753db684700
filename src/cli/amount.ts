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

/** A number with or without a unit: `120000000`, `120M`, `64Mi`, `1.5G`; NaN where it is none. */
export function amount(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)((?:[kmg]i?)?)$/i.exec(text) ?? [];
  return decimal(digits) * units[unit.toLowerCase()]!;
}

/** A number as `amount` reads it, in the fewest characters. */
export function shortest(value: number): string {
  return Object.entries(units)
    .filter(([, size]) => value % size === 0 && value >= size)
    .map(([unit, size]) => `${value / size}${unit === 'k' ? unit : unit.charAt(0).toUpperCase() + unit.slice(1)}`)
    .reduce((best, text) => (text.length < best.length ? text : best));
}
