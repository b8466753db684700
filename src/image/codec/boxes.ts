/** Reads the contents of a box (ISO/IEC 14496-12). Behind the end are zeros. */
export class Box {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  copy(): Box {
    return new Box(this.rest());
  }

  rest(): Uint8Array {
    return this.bytes.subarray(Math.min(this.at, this.bytes.length));
  }

  skip(count: number): void {
    this.at += count;
  }

  /** @param size bytes, 0 to 8 */
  number(size: number): number {
    let value = 0;
    for (let count = 0; count < size; count++) value = value * 256 + (this.bytes[this.at++] ?? 0);
    return value;
  }

  /** A version, behind which flags are skipped. */
  version(): number {
    const version = this.number(1);
    this.skip(3);
    return version;
  }
}

/** The next box of that name. */
export function findBox(boxes: Box, name: string): Box | undefined {
  while (boxes.left >= 8) {
    const size = boxes.number(4);
    const found = String.fromCharCode(...[0, 1, 2, 3].map(() => boxes.number(1)));
    const header = size === 1 ? 16 : 8;
    const whole = size === 1 ? boxes.number(8) : size;
    // 0 stands for all that is left.
    const length = whole === 0 ? boxes.left : whole - header;
    if (length < 0) return undefined;
    const contents = boxes.rest().subarray(0, length);
    boxes.skip(length);
    if (found === name) return new Box(contents);
  }
  return undefined;
}
