/** Values of a pixel. */
export type Point = readonly number[];

/** Of what something is mixed. */
export interface Mixture {
  /** Which of the colours: two or three of them. */
  readonly colours: readonly number[];
  /** How much there is of each; together 1. */
  readonly shares: readonly number[];
  /** Of which shares of the same colours something else comes closest; together 1, each less than 0 or more than 1 as it may be. */
  sharesOf(point: Point): number[];
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
  const planes = combinations(palette.length).flatMap((colours) => {
    const sharesOf = planeThrough(colours.map((of) => palette[of]!));
    return sharesOf ? [{ colours, sharesOf }] : [];
  });
  return (point) => {
    let best: Mixture | undefined;
    let least = rounding;
    for (const { colours, sharesOf } of planes) {
      const shares = sharesOf(point);
      if (shares.some((share) => share < leastShare)) continue;
      const off = distance(point, colours, shares, palette);
      if (off > least || (off === least && best)) continue;
      best = { colours, shares: inside(shares), sharesOf };
      least = off;
    }
    return best;
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

/** Shares of the nearest point on the line or plane through two or three; undefined where three lie on a line. */
function planeThrough(points: readonly Point[]): ((point: Point) => number[]) | undefined {
  const [origin, second, third] = points as [Point, Point, Point?];
  const u = minus(second, origin);
  const uu = dot(u, u);
  if (!third) {
    return (point) => {
      const share = along(point, origin, u) / uu;
      return [1 - share, share];
    };
  }
  const v = minus(third, origin);
  const [uv, vv] = [dot(u, v), dot(v, v)];
  const area = uu * vv - uv * uv;
  if (area <= 1e-3 * uu * vv) return undefined;
  return (point) => {
    const pu = along(point, origin, u);
    const pv = along(point, origin, v);
    const first = (pu * vv - pv * uv) / area;
    const next = (pv * uu - pu * uv) / area;
    return [1 - first - next, first, next];
  };
}

function distance(
  point: Point,
  colours: readonly number[],
  shares: readonly number[],
  palette: readonly Point[],
): number {
  let sum = 0;
  for (let part = 0; part < point.length; part++) {
    let left = point[part]!;
    for (let index = 0; index < colours.length; index++) left -= shares[index]! * palette[colours[index]!]![part]!;
    sum += left * left;
  }
  return Math.sqrt(sum);
}

function inside(shares: readonly number[]): number[] {
  const kept = shares.map((share) => Math.max(0, share));
  const sum = kept.reduce((all, share) => all + share, 0);
  return kept.map((share) => share / sum);
}

// All of this is asked for every pixel of an edge: loops over values, since closures and lists take several times as long.

/** `dot(minus(point, origin), direction)`. */
function along(point: Point, origin: Point, direction: Point): number {
  let sum = 0;
  for (let part = 0; part < point.length; part++) sum += (point[part]! - origin[part]!) * direction[part]!;
  return sum;
}

const minus = (a: Point, b: Point): number[] => a.map((value, part) => value - b[part]!);
const dot = (a: Point, b: Point): number => a.reduce((sum, value, part) => sum + value * b[part]!, 0);
