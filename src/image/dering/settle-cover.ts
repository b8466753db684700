import { maxValue, type Frame } from '../../pixels.js';
import type { Settled } from './dering.js';
import { isNear, type Drawn } from './drawn-colours.js';
import { drawnTogether, none, type Covered, type Palette } from './drawn-together.js';
import { MixedCells, Mixer, readPoint } from './mixed-cell.js';
import { inThisThread, type DoRows, type RowWork } from '../../row-work.js';
import { faintLimit } from './faint-colours.js';

/** A pixel that is a mixture of colours differs by rounding from it, by this many levels of 255 at most. */
const roundingLevels = 2;

/**
 * How far colours are looked for of which a pixel may be mixed, and how far where those do not explain it: what is too thin here to
 * have its own colour is mostly wider further on.
 */
const lookAround = [2, 6];

/** The most colours so close together of which it is still known what a pixel is mixed of. */
const mostColours = 5;

/**
 * This many levels of 255 a pixel may lie beyond those around it where it isn't known what it is mixed of: a stroke thinner than a
 * pixel is nowhere in the source as dark as it is. What shows as a seam lies 30 to 160 levels beyond.
 */
const slackLevels = 12;

/** What looking at the pixels around one costs. */
const stepsAround = 16;

const isCovered = (frame: Frame): frame is Covered => frame.alpha !== undefined;

/**
 * Ends the dark and light seams where different colours meet under different opacity, as an opaque badge and its translucent
 * shadow do.
 *
 * Colour and alpha come from networks that know nothing of each other: each may keep to its bounds, and together they show what
 * is nowhere in the source, such as the shadow's black at the badge's opacity. A renderer mixes premultiplied colours. So where a
 * pixel of the source is a mixture of colours that someone drew with (see `drawnColours`; clear is one of them), all pixels of
 * its cell are mixtures of the same ones, the nearest to what the networks say; and where means hold (see `dering`), each colour
 * has as much of the cell as it has of the source's pixel.
 *
 * @param enlarged settled plane by plane; changed in place; its sides are a multiple of the source's
 * @param source as it was decoded
 * @param forColour what was found out about the planes; undefined where there is nothing drawn, and nothing is done
 * @param doRows does the work; where that is other threads, all planes lie on shared memory
 */
export async function settleCover(
  enlarged: Frame,
  source: Frame,
  forColour: Settled | undefined,
  forAlpha: Settled | undefined,
  doRows: DoRows = inThisThread,
): Promise<void> {
  if (!isCovered(enlarged) || !isCovered(source) || !forColour || !forAlpha) return;
  const { width, height } = source.alpha;
  const palette = await drawnTogether(source, forColour, forAlpha);
  const given = {
    enlarged: { colour: enlarged.colour, alpha: enlarged.alpha },
    source: { colour: source.colour, alpha: source.alpha },
    palette,
    drawn: forAlpha.drawn,
    means: forColour.means && forAlpha.means,
  };
  await doRows(settleCovered, given, height, width * stepsAround);
}

interface SettleCovered {
  readonly enlarged: Covered;
  readonly source: Covered;
  readonly palette: Palette;
  /** In the alpha. */
  readonly drawn: Drawn;
  readonly means: boolean;
}

/** Each cell by what is in its own place and, in the source, around it as far as `lookAround` goes. */
export const settleCovered: RowWork<SettleCovered, void> = {
  module: new URL('./settle-cover.js', import.meta.url).href,
  name: 'settleCovered',
  begin: ({ enlarged, source, palette, drawn, means }) => {
    const cells = new CoveredCells(enlarged, source, palette, means);
    return (from, to) => {
      for (let y = from; y < to; y++) if (isNear(drawn, y)) cells.settleRow(y);
    };
  },
};

class CoveredCells {
  private readonly full: number;
  private readonly rounding: number;
  private readonly slack: number;
  private readonly faint: number;
  private readonly mixed: MixedCells;
  private readonly mixers = new Map<string, Mixer>();
  /** Colours of the palette that are near a pixel, ascending, and how many; those that were looked for last, and their mixer. */
  private readonly colours = new Int32Array(mostColours);
  private readonly lastColours = new Int32Array(mostColours);
  private lastCount = 0;
  private lastMixer: Mixer | undefined;
  private readonly point: Float64Array;
  /** Lights of the pixel that is bound, the least and the largest around it, those of a pixel of its cell and of another around it. */
  private readonly centre: Float64Array;
  private readonly low: Float64Array;
  private readonly high: Float64Array;
  private readonly lights: Float64Array;
  private readonly around: Float64Array;

  constructor(
    private readonly enlarged: Covered,
    private readonly source: Covered,
    private readonly palette: Palette,
    means: boolean,
  ) {
    const { colour, alpha } = source;
    this.full = maxValue(alpha.data);
    this.rounding = (this.full / 255) * roundingLevels;
    this.slack = (this.full / 255) * slackLevels;
    this.faint = faintLimit(alpha);
    this.mixed = new MixedCells(enlarged, source, means);
    this.point = new Float64Array(colour.channels + 1);
    const lights = (): Float64Array => new Float64Array(2 * colour.channels);
    [this.centre, this.low, this.high] = [lights(), lights(), lights()];
    [this.lights, this.around] = [lights(), lights()];
  }

  settleRow(y: number): void {
    const { width } = this.source.alpha;
    for (let x = 0; x < width; x++) {
      if (!this.isMixed(x, y)) continue;
      if (!this.isMixture(x, y)) this.bound(x, y);
    }
  }

  /** Settles a cell whose pixel is a mixture of colours that are near. */
  private isMixture(x: number, y: number): boolean {
    const { source, point, palette } = this;
    if (palette.pixels.length < 2) return false;
    readPoint(source, y * source.alpha.width + x, point);
    let tried: Mixer | undefined;
    for (const reach of lookAround) {
      const count = this.findColours(x, y, reach);
      // Further on there are no fewer.
      if (count > mostColours) return false;
      if (count < 2) continue;
      const mixer = this.mixerOf(count);
      if (mixer === tried) continue;
      const mixture = mixer.mixtureOf(point);
      if (mixture) {
        this.mixed.settle(x, y, mixture, mixer);
        return true;
      }
      tried = mixer;
    }
    return false;
  }

  /**
   * Where it isn't known what a pixel is mixed of: what lies far beyond all nine pixels around, on black or on white, is drawn back
   * towards the pixel itself as far as it must be.
   */
  private bound(x: number, y: number): void {
    const { source, enlarged, slack, full, centre, low, high, lights } = this;
    const { channels } = source.colour;
    let isLookedAround = false;
    readLights(source, y * source.alpha.width + x, full, centre);
    for (const at of this.mixed.placesOf(x, y)) {
      readLights(enlarged, at, full, lights);
      if (isWithin(lights, centre, slack)) continue;
      if (!isLookedAround) this.lookAround(x, y);
      isLookedAround = true;
      let share = 1;
      for (let part = 0; part < centre.length; part++) {
        const value = lights[part]!;
        const middle = centre[part]!;
        const room = slack + (value > middle ? high[part]! - middle : middle - low[part]!);
        const moved = Math.abs(value - middle);
        if (moved > room) share = Math.min(share, room / moved);
      }
      if (share === 1) continue;
      for (let part = 0; part < lights.length; part++) {
        lights[part] = centre[part]! + share * (lights[part]! - centre[part]!);
      }
      const cover = lights[0]! + lights[channels]!;
      enlarged.alpha.data[at] = Math.round(cover);
      if (cover < this.faint) continue;
      for (let channel = 0; channel < channels; channel++) {
        enlarged.colour.data[at * channels + channel] = Math.min(full, Math.round((lights[channel]! / cover) * full));
      }
    }
  }

  /** Finds the least and the largest lights of the nine pixels around one. */
  private lookAround(x: number, y: number): void {
    const { source, full, low, high, around } = this;
    const { width, height } = source.alpha;
    low.set(this.centre);
    high.set(this.centre);
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        readLights(source, row * width + column, full, around);
        for (let part = 0; part < around.length; part++) {
          low[part] = Math.min(low[part]!, around[part]!);
          high[part] = Math.max(high[part]!, around[part]!);
        }
      }
    }
  }

  /** Whether both colour and alpha differ in the 3×3: where one of them is the same, the other tells all. */
  private isMixed(x: number, y: number): boolean {
    const { colour, alpha } = this.source;
    const { width, height, data } = alpha;
    const { channels } = colour;
    const left = Math.max(0, x - 1);
    const right = Math.min(width - 1, x + 1);
    const top = Math.max(0, y - 1) * width;
    const bottom = Math.min(height - 1, y + 1) * width;
    const first = data[top + left]!;
    let differs = false;
    for (let row = top; row <= bottom; row += width) {
      for (let at = row + left; at <= row + right; at++) differs ||= data[at] !== first;
    }
    if (!differs) return false;
    let seen = -1;
    for (let row = top; row <= bottom; row += width) {
      for (let at = row + left; at <= row + right; at++) {
        if (data[at]! < this.faint) continue;
        if (seen < 0) seen = at;
        for (let channel = 0; channel < channels; channel++) {
          if (colour.data[at * channels + channel] !== colour.data[seen * channels + channel]) return true;
        }
      }
    }
    return false;
  }

  /** What finds mixtures of the colours that were found last. */
  private mixerOf(count: number): Mixer {
    const { colours, lastColours } = this;
    let isLast = count === this.lastCount;
    for (let at = 0; isLast && at < count; at++) isLast = colours[at] === lastColours[at];
    if (isLast && this.lastMixer) return this.lastMixer;
    const key = colours.subarray(0, count).join();
    let mixer = this.mixers.get(key);
    if (!mixer) {
      const pixels = Array.from(colours.subarray(0, count), (index) => this.palette.pixels[index]!);
      this.mixers.set(key, (mixer = Mixer.of(pixels, this.source, this.rounding)));
    }
    lastColours.set(colours);
    this.lastCount = count;
    return (this.lastMixer = mixer);
  }

  /**
   * Looks for the colours that are near.
   * @returns how many there are, in `colours`; more than `mostColours` where there are too many
   */
  private findColours(x: number, y: number, reach: number): number {
    const { colours } = this;
    const { indices } = this.palette;
    const { width, height } = this.source.alpha;
    const left = Math.max(0, x - reach);
    const right = Math.min(width - 1, x + reach);
    const bottom = Math.min(height - 1, y + reach);
    let count = 0;
    let last = none;
    for (let row = Math.max(0, y - reach); row <= bottom; row++) {
      for (let at = row * width + left; at <= row * width + right; at++) {
        const index = indices[at]!;
        // Next to a pixel of a colour there is mostly another one.
        if (index === last || index === none) continue;
        last = index;
        let place = 0;
        while (place < count && colours[place]! < index) place++;
        if (place < count && colours[place] === index) continue;
        if (count === mostColours) return count + 1;
        colours.copyWithin(place + 1, place, count);
        colours[place] = index;
        count++;
      }
    }
    return count;
  }
}

/** What a pixel adds to black in each channel, and what it takes from white. */
function readLights({ colour, alpha }: Covered, pixel: number, full: number, lights: Float64Array): void {
  const { channels, data } = colour;
  const cover = alpha.data[pixel]!;
  for (let channel = 0; channel < channels; channel++) {
    const light = (data[pixel * channels + channel]! * cover) / full;
    lights[channel] = light;
    lights[channels + channel] = cover - light;
  }
}

/** Whether all values differ by no more than so much: wherever the bounds around are, they are further away. */
function isWithin(lights: Float64Array, centre: Float64Array, slack: number): boolean {
  for (let part = 0; part < lights.length; part++) {
    if (Math.abs(lights[part]! - centre[part]!) > slack) return false;
  }
  return true;
}
