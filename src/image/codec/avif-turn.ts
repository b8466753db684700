import { Box, findBox } from './boxes.js';

/** How an AVIF wants its pixels turned (ISO/IEC 23008-12, 6.5.10 and 6.5.12): first by quarters, then mirrored. */
export interface AvifTurn {
  /** Anticlockwise, 0 to 3. */
  readonly quarters: number;
  /** `x`: left and right change places; `y`: top and bottom do. */
  readonly mirror: 'x' | 'y' | undefined;
  /** The file without that wish. */
  readonly unturned: Uint8Array;
}

/**
 * The turn of an AVIF. Its decoder does not turn every picture well: where colours are halved in resolution and a side is odd, the last
 * row or column gets colours of nowhere, and where a picture is made of tiles, each is turned by itself.
 * @returns undefined where there is none, or where several pictures in the file have different ones
 */
export function avifTurn(file: Uint8Array): AvifTurn | undefined {
  const turns = properties(file, 'irot');
  const mirrors = properties(file, 'imir');
  const [quarters = 0, ...otherQuarters] = turns.map((at) => file[at]! & 3);
  const [axis, ...otherAxes] = mirrors.map((at) => file[at]! & 1);
  if (turns.length + mirrors.length === 0) return undefined;
  if (otherQuarters.some((other) => other !== quarters) || otherAxes.some((other) => other !== axis)) return undefined;
  const unturned = Buffer.from(file);
  // Essential properties must be known to every reader, so they become one that does nothing.
  for (const at of [...turns, ...mirrors]) unturned.set([...Buffer.from('irot', 'latin1'), 0], at - 4);
  return { quarters, mirror: axis === undefined ? undefined : axis === 0 ? 'y' : 'x', unturned };
}

/** Where the one byte of each property of that name stands. */
function properties(file: Uint8Array, name: string): number[] {
  const meta = findBox(new Box(file), 'meta');
  meta?.skip(4);
  const all = meta && findBox(meta, 'iprp');
  const container = all && findBox(all, 'ipco');
  const places: number[] = [];
  for (let found = container && findBox(container, name); found; found = findBox(container!, name)) {
    if (found.left > 0) places.push(found.rest().byteOffset - file.byteOffset);
  }
  return places;
}
