/** Values of a pixel. */
export type Point = ArrayLike<number>;

/** Of what something is mixed. */
export interface Mixture {
  readonly among: Colours;
  /** How much there is of each of them; together 1. */
  readonly shares: readonly number[];
}

/** Shares that rounding made negative are none. */
const leastShare = -0.02;

/**
 * What finds the two or three colours of which a point is mixed, within rounding: those that come closest to it. It finds
 * nothing where a point is no mixture of any.
 *
 * @param rounding how far a mixture may be from the point
 */
export function mixturesOf(palette: readonly Point[], rounding: number): (point: Point) => Mixture | undefined {
  const candidates = combinations(palette.length).flatMap((of) => Colours.among(palette, of) ?? []);
  const [shares, closest] = [new Float64Array(3), new Float64Array(3)];
  return (point) => {
    let best: Colours | undefined;
    let least = rounding;
    for (const among of candidates) {
      among.sharesOf(point, shares, 0);
      if (!among.areShares(shares)) continue;
      const off = among.distance(point, shares);
      if (off > least || (off === least && best)) continue;
      best = among;
      least = off;
      for (let of = 0; of < among.count; of++) closest[of] = shares[of]!;
    }
    return best && { among: best, shares: inside(closest, best.count) };
  };
}

/** Threes; where there are but two colours, these. */
function combinations(count: number): number[][] {
  if (count === 2) return [[0, 1]];
  const found: number[][] = [];
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) for (let c = b + 1; c < count; c++) found.push([a, b, c]);
  return found;
}

// All of this is asked for every pixel of an edge, several times: loops over values in arrays that are there, since closures and
// lists take several times as long.

/** Two or three colours, and the line or plane through them. */
export class Colours {
  readonly count: number;
  private readonly uu: number;
  private readonly uv: number;
  private readonly vv: number;
  private readonly area: number;

  private constructor(
    /** Which of the palette they are. */
    readonly indices: readonly number[],
    readonly points: readonly Point[],
    /** From the first to the second, and to the third. */
    private readonly u: Point,
    private readonly v: Point,
  ) {
    this.count = points.length;
    [this.uu, this.uv, this.vv] = [dot(u, u), dot(u, v), dot(v, v)];
    this.area = this.uu * this.vv - this.uv * this.uv;
  }

  /** Undefined where three lie on a line. */
  static among(palette: readonly Point[], indices: readonly number[]): Colours | undefined {
    const points = indices.map((of) => palette[of]!);
    const [origin, second, third] = points as [Point, Point, Point?];
    const colours = new Colours(indices, points, minus(second, origin), minus(third ?? origin, origin));
    return third && colours.area <= 1e-3 * colours.uu * colours.vv ? undefined : colours;
  }

  /**
   * Of which shares of them a point is mixed, or what comes closest to it.
   * @param into gets them from `at` on; together 1, each less than 0 or more than 1 as it may be
   */
  sharesOf(point: Point, into: Float64Array, at: number): void {
    const { uu, uv, vv, area, u, v } = this;
    const origin = this.points[0]!;
    const pu = along(point, origin, u);
    if (this.count === 2) {
      const share = pu / uu;
      into[at] = 1 - share;
      into[at + 1] = share;
      return;
    }
    const pv = along(point, origin, v);
    const first = (pu * vv - pv * uv) / area;
    const next = (pv * uu - pu * uv) / area;
    into[at] = 1 - first - next;
    into[at + 1] = first;
    into[at + 2] = next;
  }

  areShares(shares: Float64Array): boolean {
    for (let of = 0; of < this.count; of++) if (shares[of]! < leastShare) return false;
    return true;
  }

  /** From a point to what these shares make. */
  distance(point: Point, shares: Float64Array): number {
    let sum = 0;
    for (let part = 0; part < point.length; part++) {
      let left = point[part]!;
      for (let of = 0; of < this.count; of++) left -= shares[of]! * this.points[of]![part]!;
      sum += left * left;
    }
    return Math.sqrt(sum);
  }
}

/** The first shares, without what is less than none. */
function inside(shares: Float64Array, count: number): number[] {
  let sum = 0;
  for (let of = 0; of < count; of++) sum += Math.max(0, shares[of]!);
  const kept: number[] = [];
  for (let of = 0; of < count; of++) kept.push(Math.max(0, shares[of]!) / sum);
  return kept;
}

/** `dot(minus(point, origin), direction)`. */
function along(point: Point, origin: Point, direction: Point): number {
  let sum = 0;
  for (let part = 0; part < point.length; part++) sum += (point[part]! - origin[part]!) * direction[part]!;
  return sum;
}

function minus(a: Point, b: Point): Point {
  const values = new Float64Array(a.length);
  for (let part = 0; part < a.length; part++) values[part] = a[part]! - b[part]!;
  return values;
}

function dot(a: Point, b: Point): number {
  let sum = 0;
  for (let part = 0; part < a.length; part++) sum += a[part]! * b[part]!;
  return sum;
}
