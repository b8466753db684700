import { maxValue, type Frame } from '../../pixels.js';
import { sameLevels, shiftTo, type Settled } from './dering.js';
import { isNear, type Drawn } from './drawn-colours.js';
import { drawnTogether, none, type Covered, type Palette } from './drawn-together.js';
import { mixturesOf, type Mixture, type Point } from './mixture.js';
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

/** Parts of which a mixture consists. */
const whole = 4096;

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

/** Some colours, and what finds mixtures of them. */
interface Mixer {
  readonly pixels: readonly number[];
  readonly points: readonly Point[];
  readonly mixtureOf: (point: Point) => Mixture | undefined;
}

class CoveredCells {
  private readonly scale: number;
  private readonly full: number;
  private readonly near: number;
  private readonly rounding: number;
  private readonly slack: number;
  private readonly faint: number;
  private readonly mixers = new Map<string, Mixer>();
  /** Lights of the pixel that is bound, the least and the largest around it, and those of another. */
  private readonly centre: Float64Array;
  private readonly low: Float64Array;
  private readonly high: Float64Array;
  private readonly lights: Float64Array;

  constructor(
    private readonly enlarged: Covered,
    private readonly source: Covered,
    private readonly palette: Palette,
    private readonly means: boolean,
  ) {
    const { alpha } = source;
    this.scale = enlarged.alpha.width / alpha.width;
    this.full = maxValue(alpha.data);
    this.near = (this.full / 255) * sameLevels;
    this.rounding = (this.full / 255) * roundingLevels;
    this.slack = (this.full / 255) * slackLevels;
    this.faint = faintLimit(alpha);
    const { channels } = source.colour;
    [this.centre, this.low, this.high, this.lights] = [0, 1, 2, 3].map(() => new Float64Array(2 * channels)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
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
    const point = pointAt(this.source, y * this.source.alpha.width + x);
    return lookAround.some((reach) => {
      const mixer = this.mixerAround(x, y, reach);
      const mixture = mixer?.mixtureOf(point);
      if (mixer && mixture) this.settle(x, y, mixture, mixer);
      return mixture !== undefined;
    });
  }

  /**
   * Where it isn't known what a pixel is mixed of: what lies far beyond all nine pixels around, on black or on white, is drawn back
   * towards the pixel itself as far as it must be.
   */
  private bound(x: number, y: number): void {
    const { source, enlarged, slack, full, centre, low, high, lights } = this;
    const { width, height } = source.alpha;
    const { channels } = source.colour;
    readLights(source, y * width + x, full, centre);
    low.set(centre);
    high.set(centre);
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        readLights(source, row * width + column, full, lights);
        for (let part = 0; part < lights.length; part++) {
          low[part] = Math.min(low[part]!, lights[part]!);
          high[part] = Math.max(high[part]!, lights[part]!);
        }
      }
    }
    for (const at of this.cellOf(x, y)) {
      readLights(enlarged, at, full, lights);
      let share = 1;
      for (let part = 0; part < lights.length; part++) {
        const [value, middle] = [lights[part]!, centre[part]!];
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

  /** Whether both colour and alpha differ in the 3×3: where one of them is the same, the other tells all. */
  private isMixed(x: number, y: number): boolean {
    const { colour, alpha } = this.source;
    const { width, height, data } = alpha;
    const { channels } = colour;
    const [left, right] = [Math.max(0, x - 1), Math.min(width - 1, x + 1)];
    const [top, bottom] = [Math.max(0, y - 1) * width, Math.min(height - 1, y + 1) * width];
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

  /** Of the colours that are near; undefined where there are too many of them, or fewer than two. */
  private mixerAround(x: number, y: number, reach: number): Mixer | undefined {
    const { indices, pixels } = this.palette;
    const { width, height } = this.source.alpha;
    const found: number[] = [];
    const right = Math.min(width - 1, x + reach);
    for (let row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row++) {
      for (let at = row * width + Math.max(0, x - reach); at <= row * width + right; at++) {
        const index = indices[at]!;
        if (index !== none && !found.includes(index) && found.push(index) > mostColours) return undefined;
      }
    }
    if (found.length < 2) return undefined;
    const key = found.sort((a, b) => a - b).join();
    let mixer = this.mixers.get(key);
    if (!mixer) this.mixers.set(key, (mixer = this.mixerOf(found.map((index) => pixels[index]!))));
    return mixer;
  }

  /** In the order of their values: the same one however the picture lies. */
  private mixerOf(pixels: readonly number[]): Mixer {
    const sorted = pixels
      .map((pixel) => ({ pixel, point: pointAt(this.source, pixel) }))
      .sort((a, b) => a.point.reduce((order, value, part) => order || value - b.point[part]!, 0));
    const points = sorted.map(({ point }) => point);
    return { pixels: sorted.map(({ pixel }) => pixel), points, mixtureOf: mixturesOf(points, this.rounding) };
  }

  private settle(x: number, y: number, mixture: Mixture, mixer: Mixer): void {
    const cell = this.cellOf(x, y);
    const shares = cell.map((at) => mixture.sharesOf(pointAt(this.enlarged, at)));
    const left = new Float64Array(cell.length).fill(whole);
    // The colour that there is least of first: what is left is for the others.
    const order = mixture.shares
      .map((_, colour) => colour)
      .sort((a, b) => mixture.shares[a]! - mixture.shares[b]! || a - b);
    const rest = order.pop() ?? 0;
    for (const colour of order) {
      const wanted = shares.map((of) => of[colour]! * whole);
      const at = (index: number, moved: number): number => Math.min(left[index]!, Math.max(0, wanted[index]! + moved));
      const sumAt = (moved: number): number => wanted.reduce((sum, _, index) => sum + at(index, moved), 0);
      const sum = mixture.shares[colour]! * whole * cell.length;
      const shift = this.means ? shiftTo(sum, 4 * whole, sumAt) : 0;
      shares.forEach((of, index) => {
        const share = at(index, shift);
        left[index]! -= share;
        of[colour] = share / whole;
      });
    }
    shares.forEach((of, index) => {
      of[rest] = left[index]! / whole;
      this.write(cell[index]!, of, mixture, mixer);
    });
  }

  /** Where the pixels of a cell are. */
  private cellOf(x: number, y: number): number[] {
    const { scale } = this;
    const { width } = this.enlarged.alpha;
    const cell: number[] = [];
    for (let row = y * scale; row < (y + 1) * scale; row++) {
      for (let column = x * scale; column < (x + 1) * scale; column++) cell.push(row * width + column);
    }
    return cell;
  }

  private write(at: number, shares: readonly number[], { colours }: Mixture, mixer: Mixer): void {
    const { source, full, near } = this;
    const { colour, alpha } = this.enlarged;
    const { channels } = colour;
    const points = colours.map((of) => mixer.points[of]!);
    const mixed = points[0]!.map((_, part) => points.reduce((sum, point, of) => sum + shares[of]! * point[part]!, 0));
    const meant = points.findIndex((point) => point.every((value, part) => Math.abs(value - mixed[part]!) <= near));
    const cover = mixed[channels]!;
    const pixel = mixer.pixels[colours[meant] ?? 0]!;
    const written = meant < 0 ? Math.round(cover) : source.alpha.data[pixel]!;
    alpha.data[at] = written;
    // What can hardly be seen keeps the colour that was spread under it.
    if (written < this.faint) return;
    for (let channel = 0; channel < channels; channel++) {
      colour.data[at * channels + channel] =
        meant < 0
          ? Math.min(full, Math.round((mixed[channel]! / cover) * full))
          : source.colour.data[pixel * channels + channel]!;
    }
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

/** Premultiplied colour, and alpha. */
function pointAt({ colour, alpha }: Covered, pixel: number): Point {
  const { channels, data } = colour;
  const cover = alpha.data[pixel]!;
  const full = maxValue(data);
  const point: number[] = [];
  for (let part = 0; part < channels; part++) point.push((data[pixel * channels + part]! * cover) / full);
  point.push(cover);
  return point;
}
