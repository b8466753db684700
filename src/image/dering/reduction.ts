import { isNear, own, type Drawn } from './drawn-colours.js';
import { maxValue, type PixelImage } from '../../pixels.js';
import { inThisThread, type DoRows, type RowWork } from '../../row-work.js';

/** Of more edge pixels than these, only some are read, evenly spread. */
const mostPixels = 4096;

/** Areas were averaged if that explains the source this many times better than a cubic does. Measured: 0.1 to 0.6, others 0.6 to 3. */
const betterShare = 0.6;

/** Rows of the source, above and below a pixel, from whose enlargement a cubic makes it. */
export const reductionReach = 2;

/**
 * Whether a drawing was made by averaging areas, as renderers do, or reduced by a kernel with negative lobes (cubic, Lanczos),
 * after which a pixel is not the mean of what it was made of. Both are tried on the enlarged picture, at pixels next to colours
 * of the drawing: whichever gives back the source is the way it was made. Where there is nothing between those colours, as in
 * codes and pixel art, it was averaged.
 *
 * @param cover the source's alpha; where it is not full, colours tell nothing
 */
export async function isAreaReduced(
  enlarged: PixelImage,
  source: PixelImage,
  drawn: Drawn,
  cover?: PixelImage,
  doRows: DoRows = inThisThread,
): Promise<boolean> {
  const pixels = await edgePixels(source, drawn, cover, doRows);
  return isByAreas(await residuals(enlarged, source, pixels, doRows));
}

/**
 * The pixels at which both ways are tried, in ascending order: of those of other colours next to one of the drawing's, at most
 * `mostPixels`.
 */
export async function edgePixels(
  source: PixelImage,
  drawn: Drawn,
  cover: PixelImage | undefined,
  doRows: DoRows,
): Promise<readonly number[]> {
  const { width, height } = source;
  return evenly(await doRows(findEdges, { source, drawn, cover }, height, width * 4));
}

/** How far both ways are from the source, at each of some pixels. */
export interface Residuals {
  readonly boxes: Float64Array;
  readonly cubics: Float64Array;
}

/**
 * @param enlarged of a part of the picture, with `reductionReach` rows around the pixels where the picture has them
 * @param source of that part
 * @param pixels places in that part
 */
export function residuals(
  enlarged: PixelImage,
  source: PixelImage,
  pixels: readonly number[],
  doRows: DoRows,
): Promise<readonly Residuals[]> {
  const steps = (4 * (enlarged.width / source.width)) ** 2 * source.channels;
  return doRows(measureResiduals, { enlarged, source, pixels }, pixels.length, steps);
}

/** @param all of all pixels, in their order: sums of such numbers depend on it */
export function isByAreas(all: readonly Residuals[]): boolean {
  let [byBox, byCubic] = [0, 0];
  for (const { boxes, cubics } of all) {
    for (const residual of boxes) byBox += residual;
    for (const residual of cubics) byCubic += residual;
  }
  return byBox <= betterShare * byCubic;
}

/** At most `mostPixels` of them. */
function evenly(lists: readonly (readonly number[])[]): number[] {
  const count = lists.reduce((sum, { length }) => sum + length, 0);
  const step = Math.max(1, Math.ceil(count / mostPixels));
  const chosen: number[] = [];
  let next = 0;
  for (const list of lists) {
    for (; next < list.length; next += step) chosen.push(list[next]!);
    next -= list.length;
  }
  return chosen;
}

interface Edges {
  readonly source: PixelImage;
  readonly drawn: Drawn;
  readonly cover: PixelImage | undefined;
}

/** Pixels of other colours next to one of the drawing's. */
export const findEdges: RowWork<Edges, readonly number[]> = {
  module: new URL('./reduction.js', import.meta.url).href,
  name: 'findEdges',
  begin:
    ({ source: { width, height, data }, drawn, cover }) =>
    (from, to) => {
      const { marks } = drawn;
      const full = maxValue(data);
      const edges: number[] = [];
      for (let y = from; y < to; y++) {
        if (!isNear(drawn, y)) continue;
        const [top, bottom] = [Math.max(0, y - 1) * width, Math.min(height - 1, y + 1) * width];
        for (let x = 0; x < width; x++) {
          const pixel = y * width + x;
          if (marks[pixel]! & own || (cover && cover.data[pixel] !== full)) continue;
          const [left, right] = [Math.max(0, x - 1), Math.min(width - 1, x + 1)];
          let neighbours = 0;
          for (let row = top; row <= bottom; row += width) {
            for (let near = row + left; near <= row + right; near++) neighbours |= marks[near]!;
          }
          if (neighbours & own) edges.push(pixel);
        }
      }
      return edges;
    },
};

interface Sampled {
  readonly enlarged: PixelImage;
  readonly source: PixelImage;
  readonly pixels: readonly number[];
}

/** Of each pixel by each kernel; a row is a pixel here. */
export const measureResiduals: RowWork<Sampled, Residuals> = {
  module: new URL('./reduction.js', import.meta.url).href,
  name: 'measureResiduals',
  begin: ({ enlarged, source, pixels }) => {
    const scale = enlarged.width / source.width;
    const box = new Float64Array(scale).fill(1 / scale);
    const cubic = cubicTaps(scale);
    return (from, to) => {
      const boxes = Float64Array.from(pixels.slice(from, to), (pixel) => residual(enlarged, source, pixel, box));
      const cubics = Float64Array.from(pixels.slice(from, to), (pixel) => residual(enlarged, source, pixel, cubic));
      return { boxes, cubics };
    };
  },
};

/**
 * How far the enlarged picture, reduced by a separable kernel that is centred on a pixel, is from that pixel.
 *
 * @param taps as many more than the scale as lie on both sides alike: an even number more
 */
function residual(enlarged: PixelImage, source: PixelImage, pixel: number, taps: Float64Array): number {
  const { width, height, channels, data } = enlarged;
  const scale = width / source.width;
  const full = maxValue(data);
  const x = pixel % source.width;
  const left = x * scale - (taps.length - scale) / 2;
  const top = ((pixel - x) / source.width) * scale - (taps.length - scale) / 2;
  const size = taps.length;
  const isInside = left >= 0 && top >= 0 && left + size <= width && top + size <= height;
  let total = 0;
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0;
    for (let row = 0; row < size; row++) {
      let line = 0;
      if (isInside) {
        let at = ((top + row) * width + left) * channels + channel;
        for (let column = 0; column < size; column++, at += channels) line += taps[column]! * data[at]!;
      } else {
        const start = Math.min(height - 1, Math.max(0, top + row)) * width;
        for (let column = 0; column < size; column++) {
          const at = start + Math.min(width - 1, Math.max(0, left + column));
          line += taps[column]! * data[at * channels + channel]!;
        }
      }
      sum += taps[row]! * line;
    }
    total += Math.abs(Math.min(full, Math.max(0, sum)) - source.data[pixel * channels + channel]!);
  }
  return total;
}

/**
 * The cubic convolution kernel of Keys (1981), a = -0.5, stretched by the scale as reducers do: where the enlarged picture has
 * pixels. The middle of a cell lies between two of them if the scale is even, and on one if it is odd; then the kernel, which
 * is 0 at its ends, reaches one pixel less.
 */
function cubicTaps(scale: number): Float64Array {
  const isOdd = scale % 2 === 1;
  const taps = Float64Array.from({ length: isOdd ? 4 * scale - 1 : 4 * scale }, (_, at) => {
    const x = Math.abs((at + (isOdd ? 1 : 0.5)) / scale - 2);
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((2.5 - 0.5 * x) * x - 4) * x + 2;
  });
  const sum = taps.reduce((all, tap) => all + tap, 0);
  return taps.map((tap) => tap / sum);
}
