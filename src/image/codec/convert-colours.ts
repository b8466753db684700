import { inBands } from '../../event-loop.js';
import type { Samples } from '../../pixels.js';
import { srgbCurve, srgbPrimaries, type CodedColours } from './coded-colours.js';
import type { CurveTable } from './grey-curve.js';
import { primariesMatrix, type TransferCurve } from './matrix-profile.js';

/** Pixels as sharp decodes them; the frames of an animation one above the other. */
export interface RawPixels {
  readonly data: Samples;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Divides colours by the alpha that they were multiplied with, in place. Without alpha, the last of an even number of channels, nothing changes. */
export async function unmultiply({ data, width, height, channels }: RawPixels): Promise<void> {
  if (channels % 2 === 1) return;
  const most = data instanceof Uint16Array ? 65_535 : 255;
  await inBands(height, width * channels, (first, end) => {
    for (let at = first * width * channels; at < end * width * channels; at += channels) {
      const alpha = data[at + channels - 1]!;
      if (alpha === 0 || alpha === most) continue;
      for (let channel = at; channel < at + channels - 1; channel++) {
        data[channel] = Math.min(most, Math.round((data[channel]! * most) / alpha));
      }
    }
  });
}

/**
 * CMYK without a profile as browsers show it (measured in Chromium 156): each ink, and black again, takes its share of what is
 * left of the light. The decoder would take it for a certain press instead, which is 14 to 45 levels darker or duller.
 */
export async function inksAsLight({ data, width, height, channels }: RawPixels): Promise<RawPixels> {
  const light = new Uint8Array(width * height * (channels - 1));
  await inBands(height, width * (2 * channels - 1), (first, end) => {
    let from = first * width * channels;
    let to = first * width * (channels - 1);
    for (let left = (end - first) * width; left > 0; left--) {
      const black = 255 - data[from + 3]!;
      for (let ink = 0; ink < 3; ink++) light[to++] = Math.floor(((255 - data[from + ink]!) * black) / 255);
      for (let more = 4; more < channels; more++) light[to++] = data[from + more]!;
      from += channels;
    }
  });
  return { data: light, width, height, channels: channels - 1 };
}

/**
 * Converts what a file codes in other words than a profile's, which sharp knows nothing of, to sRGB. Exact, 16 bits included: a
 * colour management's way over a profile is up to 11 levels off in the dark of linear light.
 * @param image grey (1 or 2 channels), or RGB (3 or 4), the last of an even number being alpha
 */
export async function toSrgb(
  { data, width, height, channels }: RawPixels,
  { primaries, curve = srgbCurve, table }: CodedColours,
): Promise<RawPixels> {
  const most = data instanceof Uint16Array ? 65_535 : 255;
  const light = Float64Array.from({ length: most + 1 }, (_, level) =>
    table ? between(table, level / most) : lightOf(level / most, curve),
  );
  const levels = Float64Array.from(light, (value) => Math.round(most * levelOf(value)));
  const matrix = channels > 2 && primaries ? primariesMatrix(primaries, srgbPrimaries) : undefined;
  const colours = channels % 2 === 0 ? channels - 1 : channels;
  const out = data instanceof Uint16Array ? new Uint16Array(data.length) : new Uint8Array(data.length);
  await inBands(height, width * channels * (matrix ? 8 : 1), (first, end) => {
    for (let at = first * width * channels; at < end * width * channels; at += channels) {
      if (matrix) {
        const [red, green, blue] = [light[data[at]!]!, light[data[at + 1]!]!, light[data[at + 2]!]!];
        for (let row = 0; row < 3; row++) {
          const [ofRed, ofGreen, ofBlue] = matrix[row]!;
          out[at + row] = Math.round(most * levelOf(ofRed * red + ofGreen * green + ofBlue * blue));
        }
      } else for (let channel = at; channel < at + colours; channel++) out[channel] = levels[data[channel]!]!;
      if (colours < channels) out[at + colours] = data[at + colours]!;
    }
  });
  return { data: out, width, height, channels };
}

/** @param value 0 to 1 */
function between(table: CurveTable, value: number): number {
  const place = value * (table.length - 1);
  const index = Math.min(table.length - 2, Math.floor(place));
  return table[index]! + (table[index + 1]! - table[index]!) * (place - index);
}

const lightOf = (value: number, { g, a = 1, b = 0, c = 0, d = 0 }: TransferCurve): number =>
  value >= d ? Math.max(0, a * value + b) ** g : c * value;

/** IEC 61966-2-1; what is beyond the gamut is clipped, as in browsers. */
function levelOf(light: number): number {
  const clipped = Math.min(1, Math.max(0, light));
  return clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
}
