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
  for (let next = nextBox(boxes); next; next = nextBox(boxes)) if (next.name === name) return next.contents;
  return undefined;
}

/** The next box, whatever its name. */
export function nextBox(boxes: Box): { readonly name: string; readonly contents: Box } | undefined {
  if (boxes.left < 8) return undefined;
  const size = boxes.number(4);
  const name = String.fromCharCode(...[0, 1, 2, 3].map(() => boxes.number(1)));
  const header = size === 1 ? 16 : 8;
  const whole = size === 1 ? boxes.number(8) : size;
  // 0 stands for all that is left.
  const length = whole === 0 ? boxes.left : whole - header;
  if (length < 0) return undefined;
  const contents = boxes.rest().subarray(0, length);
  boxes.skip(length);
  return { name, contents: new Box(contents) };
}

/**
 * The number of the item that is shown (`pitm`, ISO/IEC 14496-12, 8.11.4); 0 where that is not said.
 * @param meta contents of a `meta` box, behind its version
 */
export function primaryItem(meta: Box): number {
  const box = findBox(meta.copy(), 'pitm');
  return box ? box.number(box.version() === 0 ? 2 : 4) : 0;
}
