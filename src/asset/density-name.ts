import { posix } from 'node:path';

const tail = /@(\d+(?:\.\d+)?)x$/i;

/** A file name taken apart: `icons/logo@2x.png` is the stem `icons/logo`, density 2, extension `.png`. */
export interface DensityName {
  /** With its folder. */
  readonly stem: string;
  /** 1 where the name claims none. */
  readonly density: number;
  readonly extension: string;
}

export function parseDensityName(file: string): DensityName {
  const extension = posix.extname(file);
  const whole = file.slice(0, file.length - extension.length);
  const match = tail.exec(whole);
  const density = Number(match?.[1]);
  // `@0x` is no density.
  if (!match || !(density > 0)) return { stem: whole, density: 1, extension };
  return { stem: whole.slice(0, match.index), density, extension };
}

/** The name for a density; density 1 has no tail. */
export function printDensityName({ stem, density, extension }: DensityName): string {
  // 1.5 × 1.1 is not 1.6500000000000001 in a file's name.
  const rounded = Number(density.toPrecision(12));
  return `${stem}${rounded === 1 ? '' : `@${rounded}x`}${extension}`;
}
