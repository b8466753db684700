import { Box, findBox, nextBox, primaryItem } from './boxes.js';

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
 * @returns undefined where there is none. What other pictures in the file (thumbnails) want does not count.
 */
export function avifTurn(file: Uint8Array): AvifTurn | undefined {
  const own = propertiesOfPicture(file);
  const turns = own.filter(({ name }) => name === 'irot');
  const mirrors = own.filter(({ name }) => name === 'imir');
  if (turns.length + mirrors.length === 0 || turns.length > 1 || mirrors.length > 1) return undefined;
  const quarters = turns[0] ? file[turns[0].at]! & 3 : 0;
  const axis = mirrors[0] && file[mirrors[0].at]! & 1;
  const unturned = Buffer.from(file);
  // Essential properties must be known to every reader, so they become one that does nothing.
  for (const { at } of [...turns, ...mirrors]) unturned.set([...Buffer.from('irot', 'latin1'), 0], at - 4);
  return { quarters, mirror: axis === undefined ? undefined : axis === 0 ? 'y' : 'x', unturned };
}

interface Property {
  readonly name: string;
  /** Where its contents begin in the file. */
  readonly at: number;
}

/** Properties of the picture that is shown, with contents. */
function propertiesOfPicture(file: Uint8Array): Property[] {
  const meta = findBox(new Box(file), 'meta');
  meta?.skip(4);
  const properties = meta && findBox(meta.copy(), 'iprp');
  const container = properties && findBox(properties.copy(), 'ipco');
  if (!container) return [];
  const all: (Property | undefined)[] = [];
  for (let next = nextBox(container); next; next = nextBox(container)) {
    const { name, contents } = next;
    all.push(contents.left > 0 ? { name, at: contents.rest().byteOffset - file.byteOffset } : undefined);
  }
  const places = new Set<number>();
  const item = primaryItem(meta);
  for (let box = findBox(properties, 'ipma'); box; box = findBox(properties, 'ipma')) {
    for (const place of associated(box, item)) places.add(place);
  }
  // They count from 1; 0 stands for none.
  return [...places].flatMap((place) => all[place - 1] ?? []);
}

/** Which properties an item has (`ipma`, ISO/IEC 23008-12, 9.3.1). */
function associated(box: Box, item: number): number[] {
  const version = box.number(1);
  const isWide = (box.number(3) & 1) === 1;
  for (let left = box.number(4); left > 0 && box.left > 0; left--) {
    const id = box.number(version === 0 ? 2 : 4);
    const count = Math.min(box.number(1), box.left);
    // The first bit says whether a reader must know it.
    const places = Array.from({ length: count }, () => (isWide ? box.number(2) & 0x7fff : box.number(1) & 0x7f));
    if (id === item) return places;
  }
  return [];
}
