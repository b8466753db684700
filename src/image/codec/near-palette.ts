import { inBands } from '../../event-loop.js';

/**
 * The largest difference that is just noticeable, in OKLab's Euclidean distance (deltaEOK): the figure of CSS Color 4, section
 * 13.2 (“the JND is … 0.02”), which browsers use for mapping gamuts.
 */
export const justNoticeable = 0.02;

/** Half of it, so that neighbours in the palette, between which a gradient steps, are no more than one such difference apart. */
const closeEnough = justNoticeable / 2;

/** More colours than this make no drawing, and would take long. */
const mostColours = 60_000;

/** The number of most frequent colours that stay exactly as they are: those that a drawing was drawn with. */
const kept = 32;

/** For each colour the place of the one that stands for it. */
export interface NearPalette {
  readonly colours: readonly number[];
  readonly of: ReadonlyMap<number, number>;
}

/**
 * A palette in which each colour of a picture has one that no one can tell from it: the most frequent colours, and then again and again
 * the one that is farthest from all so far (T. Gonzalez, “Clustering to minimize the maximum intercluster distance”, 1985). No
 * dithering: it is what would be seen.
 *
 * @param counts how often each colour occurs, as numbers of the channels' digits to the base of 256
 * @returns undefined where that many are not enough
 */
export async function nearPalette(
  counts: ReadonlyMap<number, number>,
  most: number,
  toRgba: (colour: number) => readonly [red: number, green: number, blue: number, alpha: number],
): Promise<NearPalette | undefined> {
  if (counts.size > mostColours) return undefined;
  // The order in which colours come up must not depend on anything but the picture.
  const colours = [...counts.keys()].sort((one, other) => counts.get(other)! - counts.get(one)! || one - other);
  const points = new Float64Array(colours.length * dimensions);
  colours.forEach((colour, index) => {
    points.set(place(toRgba(colour)), index * dimensions);
  });
  const nearest = new Uint16Array(colours.length);
  const distances = new Float64Array(colours.length).fill(Infinity);
  const chosen: number[] = [];
  let farthest = 0;
  while (chosen.length < Math.min(most, colours.length)) {
    const next = chosen.length < kept ? chosen.length : farthest;
    const centre = points.subarray(next * dimensions, (next + 1) * dimensions);
    chosen.push(next);
    farthest = 0;
    await inBands(colours.length, dimensions, (from, to) => {
      for (let index = from; index < to; index++) {
        const distance = between(points, index * dimensions, centre);
        if (distance < distances[index]!) {
          distances[index] = distance;
          nearest[index] = chosen.length - 1;
        }
        if (distances[index]! > distances[farthest]!) farthest = index;
      }
    });
    if (distances[farthest]! <= closeEnough) break;
  }
  if (distances[farthest]! > justNoticeable) return undefined;
  return {
    colours: chosen.map((index) => colours[index]!),
    of: new Map(colours.map((colour, index) => [colour, nearest[index]!])),
  };
}

/** OKLab of the colour as it is seen on black, and on white. */
const dimensions = 6;

function place([red, green, blue, alpha]: readonly [number, number, number, number]): readonly number[] {
  const on = (ground: number): readonly [number, number, number] =>
    oklab([red, green, blue].map((level) => ground + ((level - ground) * alpha) / 255));
  return [...on(0), ...on(255)];
}

/** The larger of the two differences: on black, and on white. */
function between(points: Float64Array, at: number, centre: Float64Array): number {
  let largest = 0;
  for (let ground = 0; ground < dimensions; ground += 3) {
    let sum = 0;
    for (let axis = ground; axis < ground + 3; axis++) sum += (points[at + axis]! - centre[axis]!) ** 2;
    largest = Math.max(largest, sum);
  }
  return Math.sqrt(largest);
}

/** B. Ottosson, “A perceptual color space for image processing”, 2020: from sRGB of 0 to 255. */
export function oklab(levels: readonly number[]): readonly [lightness: number, a: number, b: number] {
  const [red = 0, green = 0, blue = 0] = levels.map((level) => {
    const value = level / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const medium = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short,
    1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short,
    0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short,
  ];
}
