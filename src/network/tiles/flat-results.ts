import { inBands } from '../../event-loop.js';
import { pixelTypeOf, viewPixels, type PixelArray, type PixelImage } from '../../pixels.js';
import { writeRepeated } from './tile-pixels.js';
import type { Rectangle } from './tiles.js';

/**
 * Colours that are remembered, and about how many bytes of them: a page has few colours, and each takes some kilobytes, but half a
 * megabyte where a network has long strides.
 */
const mostColours = 512;
const mostBytes = 2 ** 24;

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * What a network makes of areas of one colour, picture after picture: the result of a square of one, which stands for any other
 * as long as the network sees nothing else.
 */
export class FlatResults {
  private readonly byColour = new Map<string, PixelArray>();

  /** @param scale of the network */
  constructor(private readonly scale: number) {}

  forPicture(image: PixelImage<PixelArray>): FlatResultsOfPicture {
    return new FlatResultsOfPicture(this.byColour, this.scale, image);
  }
}

/** The same for one picture: what was found for it stays. */
export class FlatResultsOfPicture {
  private readonly found = new Map<string, PixelArray>();

  constructor(
    private readonly byColour: Map<string, PixelArray>,
    private readonly scale: number,
    private readonly image: PixelImage<PixelArray>,
  ) {}

  /** Whether the result of a square of one colour, with this side and corner, is known. */
  has(side: number, corner: Point): boolean {
    const key = keyOf(this.image, side, corner);
    const result = this.byColour.get(key);
    if (!result) return false;
    this.found.set(key, result);
    return true;
  }

  /** Writes the results of areas that were found to be known into that of the picture, without keeping the event loop waiting. */
  async write(side: number, areas: readonly Rectangle[], output: SharedArrayBuffer): Promise<void> {
    const { scale, image } = this;
    const { channels } = image;
    const target = this.rowsOf(output);
    for (const area of areas) {
      const source = { data: this.found.get(keyOf(image, side, area))!, rowLength: side * channels * scale };
      const from = { x: 0, y: 0, width: side, height: side };
      // Whole rows are copied about eight times as fast as value by value.
      const steps = (area.width * side * channels * scale ** 2) / 8;
      await inBands(Math.ceil(area.height / side), steps, (first, end) => {
        const y = area.y + first * side;
        const height = Math.min(end * side, area.height) - first * side;
        writeRepeated(source, from, target, { ...area, y, height }, channels, scale);
      });
    }
  }

  /** Remembers the results of squares of one colour that were computed. */
  learn(side: number, corners: readonly Point[], output: SharedArrayBuffer): void {
    const { scale, byColour, image } = this;
    const { channels } = image;
    const source = this.rowsOf(output);
    const from = { x: 0, y: 0, width: side, height: side };
    for (const corner of corners) {
      const key = keyOf(image, side, corner);
      if (byColour.has(key)) continue;
      const values = channels * (side * scale) ** 2;
      const data = viewPixels(pixelTypeOf(image.data), new ArrayBuffer(source.data.BYTES_PER_ELEMENT * values));
      const target = { data, rowLength: side * channels * scale };
      writeRepeated(source, { ...from, ...corner }, target, from, channels, scale);
      byColour.set(key, data);
      const most = Math.min(mostColours, Math.max(1, Math.floor(mostBytes / data.byteLength)));
      while (byColour.size > most) byColour.delete(byColour.keys().next().value!);
    }
  }

  private rowsOf(output: SharedArrayBuffer): { readonly data: PixelArray; readonly rowLength: number } {
    const { width, channels, data } = this.image;
    return { data: viewPixels(pixelTypeOf(data), output), rowLength: width * channels * this.scale };
  }
}

/** The kind of pixels, and the colour of one: in bits, since no number equals NaN. */
function keyOf({ data, width, channels }: PixelImage<PixelArray>, side: number, { x, y }: Point): string {
  const first = (y * width + x) * channels;
  const bytes = data.BYTES_PER_ELEMENT;
  const colour = Buffer.from(data.buffer, data.byteOffset + first * bytes, channels * bytes).toString('hex');
  return `${pixelTypeOf(data)} ${channels} ${side} ${colour}`;
}
