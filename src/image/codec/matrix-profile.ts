/** Chromaticities (x, y) of red, green, blue and white. */
export type Primaries = readonly [red: Point, green: Point, blue: Point, white: Point];
type Point = readonly [x: number, y: number];

/**
 * How a value becomes light, both from 0 to 1: `(a·v + b)^g` from `d` on, `c·v` below. ICC.1:2022, 10.18, function 3, as are
 * the defaults: `v^g`.
 */
export interface TransferCurve {
  readonly g: number;
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
  readonly d?: number;
}

export type Vector = readonly [number, number, number];
export type Matrix = readonly [Vector, Vector, Vector];

/** White of the profile connection space (ICC.1:2022, 6.3.1). */
const d50: Vector = [0.9642, 1, 0.8249];

/** Bradford's cone responses (ICC.1:2022, annex E). */
const bradford: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

/**
 * An ICC profile (version 4.3) of three channels: a matrix of their primaries, adapted to D50, and one curve.
 * @returns undefined where the primaries span no triangle
 */
export function matrixProfile(primaries: Primaries, curve: TransferCurve): Uint8Array | undefined {
  const columns = adaptedColumns(primaries);
  if (columns === undefined) return undefined;
  const [red, green, blue] = columns;
  const trc = parametric(curve);
  return profile('RGB ', [
    ['rXYZ', xyz(red)],
    ['gXYZ', xyz(green)],
    ['bXYZ', xyz(blue)],
    ['rTRC', trc],
    ['gTRC', trc],
    ['bTRC', trc],
  ]);
}

/** From light of some primaries to light of others, their whites adapted to each other; undefined where they span no triangle. */
export function primariesMatrix(from: Primaries, to: Primaries): Matrix | undefined {
  const [own, other] = [adaptedColumns(from), adaptedColumns(to)];
  const inverse = other && invert(transpose(other));
  return own && inverse && transpose(own.map((column) => apply(inverse, column)) as unknown as Matrix);
}

/** An ICC profile of one channel of grey. */
export function greyProfile(curve: TransferCurve): Uint8Array {
  return profile('GRAY', [['kTRC', parametric(curve)]]);
}

/** XYZ of full red, green and blue. Rows and columns as in ISO 17321-1 and SMPTE RP 177: white is the sum of all three. */
function adaptedColumns([red, green, blue, white]: Primaries): Matrix | undefined {
  const whole: Matrix = transpose([toXyz(red), toXyz(green), toXyz(blue)]);
  const inverse = invert(whole);
  const whiteXyz = toXyz(white);
  if (inverse === undefined || ![...whole.flat(), ...whiteXyz].every(Number.isFinite)) return undefined;
  const shares = apply(inverse, whiteXyz);
  const from = apply(bradford, whiteXyz);
  const to = apply(bradford, d50);
  const adapt = (colour: Vector): Vector => {
    const [l, m, s] = apply(bradford, colour);
    return apply(invert(bradford)!, [(l * to[0]) / from[0], (m * to[1]) / from[1], (s * to[2]) / from[2]]);
  };
  const [r, g, b] = transpose(whole);
  const columns: Matrix = [adapt(times(r, shares[0])), adapt(times(g, shares[1])), adapt(times(b, shares[2]))];
  return columns.flat().every(Number.isFinite) ? columns : undefined;
}

const toXyz = ([x, y]: Point): Vector => [x / y, 1, (1 - x - y) / y];
const times = ([x, y, z]: Vector, factor: number): Vector => [x * factor, y * factor, z * factor];
const dot = (one: Vector, other: Vector): number => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
const apply = ([one, two, three]: Matrix, vector: Vector): Vector => [
  dot(one, vector),
  dot(two, vector),
  dot(three, vector),
];
const transpose = ([a, b, c]: Matrix): Matrix => [
  [a[0], b[0], c[0]],
  [a[1], b[1], c[1]],
  [a[2], b[2], c[2]],
];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

function invert([a, b, c]: Matrix): Matrix | undefined {
  const determinant = dot(a, cross(b, c));
  if (determinant === 0) return undefined;
  return transpose([
    times(cross(b, c), 1 / determinant),
    times(cross(c, a), 1 / determinant),
    times(cross(a, b), 1 / determinant),
  ]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** s15Fixed16Number. */
function fixed(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(Math.round(value * 65536));
  return bytes;
}

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const xyz = (values: Vector): Buffer => Buffer.concat([text('XYZ '), number(0), ...values.map(fixed)]);

const parametric = ({ g, a = 1, b = 0, c = 0, d = 0 }: TransferCurve): Buffer =>
  Buffer.concat([text('para'), number(0), number(3 * 65536), ...[g, a, b, c, d].map(fixed)]);

/** multiLocalizedUnicodeType with one English text. */
function localised(words: string): Buffer {
  const utf16 = Buffer.from(words, 'utf16le').swap16();
  return Buffer.concat([
    ...[text('mluc'), number(0), number(1), number(12), text('enUS')],
    ...[number(utf16.length), number(28), utf16],
  ]);
}

/** Header and tag table: ICC.1:2022, 7.2 and 7.3. */
function profile(space: 'RGB ' | 'GRAY', curves: readonly (readonly [string, Buffer])[]): Uint8Array {
  const tags = [
    ['desc', localised('as the file says')] as const,
    ['cprt', localised('none')] as const,
    ['wtpt', xyz(d50)] as const,
    ...curves,
  ];
  const header = Buffer.alloc(128);
  header.writeUInt32BE(0x04300000, 8);
  header.set(text('mntr'), 12);
  header.set(text(space), 16);
  header.set(text('XYZ '), 20);
  header.set(text('acsp'), 36);
  header.set(Buffer.concat(d50.map(fixed)), 68);
  let offset = header.length + 4 + tags.length * 12;
  const table: Buffer[] = [];
  const contents: Buffer[] = [];
  for (const [name, content] of tags) {
    const padded = Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);
    table.push(text(name), number(offset), number(content.length));
    contents.push(padded);
    offset += padded.length;
  }
  const whole = Buffer.concat([header, number(tags.length), ...table, ...contents]);
  whole.writeUInt32BE(whole.length, 0);
  return whole;
}
