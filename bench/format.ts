import type { Summary } from './statistics.js';

/** A number with this many digits after the point. */
export function fixed(value: number, digits = 2): string {
  return value.toFixed(digits);
}

export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** `median (min–max)`: the span shows how noisy the machine was. */
export function spread({ median, min, max }: Summary, show: (value: number) => string = fixed): string {
  return `${show(median)} (${show(min)}–${show(max)})`;
}
