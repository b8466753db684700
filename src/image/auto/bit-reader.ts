/** Reads bits from the highest to the lowest of each byte. Behind the end are zeros, and `overran` tells of it. */
export class BitReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get overran(): boolean {
    return this.at > this.bytes.length * 8;
  }

  /** @param count 0 to 32 */
  bits(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++, this.at++) {
      value = value * 2 + (((this.bytes[this.at >> 3] ?? 0) >> (7 - (this.at & 7))) & 1);
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }
}
