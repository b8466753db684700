/** Random numbers that are the same each time: mulberry32, seeded by a name. */
export class Dice {
  #state: number;

  constructor(name: string) {
    this.#state = Buffer.from(name).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5);
  }

  /** 0 to just below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to before `end`. */
  within(least: number, end: number): number {
    return least + Math.floor(this.next() * (end - least));
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.within(0, choices.length)]!;
  }

  /** This many of the choices, or all there are, in any order. */
  some<T>(choices: readonly T[], count: number): T[] {
    const left = [...choices];
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(this.within(0, left.length), 1)[0]!);
  }
}
