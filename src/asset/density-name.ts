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
  if (!match) return { stem: whole, density: 1, extension };
  return { stem: whole.slice(0, match.index), density: Number(match[1]), extension };
}

/** The name for a density; density 1 has no tail. */
export function printDensityName({ stem, density, extension }: DensityName): string {
  return `${stem}${density === 1 ? '' : `@${density}x`}${extension}`;
}
