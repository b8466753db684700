/** How far a mixture may be from a pixel, in levels of each channel: rounding, of a renderer's own values too. */
const rounding = 3;
/** The least that lies between two colours of which something is mixed, as a squared distance in levels. */
const leastApart = 48 ** 2;
/** The least share of either. */
const leastShare = 0.04;

/** Offsets from a pixel, in rows and columns, to one of two that lie on opposite sides of it. */
const sides = [
  [0, -1],
  [-1, 0],
  [-1, -1],
  [-1, 1],
] as const;

/**
 * Which of a picture's few colours are mixtures: where they appear, a pixel mostly lies between the colours on two opposite sides
 * of it. Drawings with smooth edges have many such colours, be they 16 pixels large; a palette of pixel art has hardly any.
 */
export class MixedColours {
  private readonly counts = new Map<number, { seen: number; mixed: number }>();
  private readonly leastApart: number;

  /** @param contrast that the picture has of the full one, 0 to 1 */
  constructor(contrast: number) {
    this.leastApart = contrast ** 2 * leastApart;
  }

  /**
   * Looks at the pixels of a row.
   * @param rows above, the row itself and below, R, G and B for each pixel
   */
  look(rows: readonly [Uint8Array, Uint8Array, Uint8Array]): void {
    const [above, row, below] = rows;
    for (let at = 3; at < row.length - 3; at += 3) {
      if (equal(row, at, row, at - 3) && equal(row, at, above, at) && equal(row, at, below, at)) continue;
      const colour = (row[at]! << 16) | (row[at + 1]! << 8) | row[at + 2]!;
      let count = this.counts.get(colour);
      if (!count) this.counts.set(colour, (count = { seen: 0, mixed: 0 }));
      count.seen++;
      if (
        sides.some(([down, right]) =>
          this.isBetween(row, at, rows[1 + down]!, at + 3 * right, rows[1 - down]!, at - 3 * right),
        )
      )
        count.mixed++;
    }
  }

  /** How many colours are mixtures in at least half of the places where they were seen. */
  get count(): number {
    let count = 0;
    for (const { seen, mixed } of this.counts.values()) if (2 * mixed >= seen) count++;
    return count;
  }

  /** Whether a pixel lies on the line between two others, and at neither end. */
  private isBetween(
    row: Uint8Array,
    at: number,
    first: Uint8Array,
    one: number,
    second: Uint8Array,
    other: number,
  ): boolean {
    let [along, apart] = [0, 0];
    for (let channel = 0; channel < 3; channel++) {
      const way = second[other + channel]! - first[one + channel]!;
      along += way * (row[at + channel]! - first[one + channel]!);
      apart += way * way;
    }
    const share = along / apart;
    // With nothing apart, the share is no number.
    if (apart < this.leastApart || share < leastShare || share > 1 - leastShare) return false;
    for (let channel = 0; channel < 3; channel++) {
      const from = first[one + channel]!;
      if (Math.abs(row[at + channel]! - from - share * (second[other + channel]! - from)) > rounding) return false;
    }
    return true;
  }
}

function equal(a: Uint8Array, at: number, b: Uint8Array, to: number): boolean {
  return a[at] === b[to] && a[at + 1] === b[to + 1] && a[at + 2] === b[to + 2];
}
