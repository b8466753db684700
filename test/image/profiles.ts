/** ICC profiles (version 2, matrix and gamma) written byte by byte: ICC.1:2001-04. */

const fixed = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(Math.round(value * 65536));
  return bytes;
};
const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const xyz = (values: readonly number[]): Buffer => Buffer.concat([text('XYZ '), number(0), ...values.map(fixed)]);
const gammaCurve = (gamma: number): Buffer => {
  const bytes = Buffer.concat([text('curv'), number(0), number(1), Buffer.alloc(4)]);
  bytes.writeUInt16BE(Math.round(gamma * 256), 12);
  return bytes;
};
const description = (name: string): Buffer =>
  Buffer.concat([text('desc'), number(0), number(name.length + 1), text(`${name}\0`), Buffer.alloc(78 + 3)]);

function profile(space: 'RGB ' | 'GRAY', tags: readonly (readonly [string, Buffer])[]): Buffer {
  const header = Buffer.alloc(128);
  header.writeUInt32BE(0x02100000, 8);
  header.set(text('mntr'), 12);
  header.set(text(space), 16);
  header.set(text('XYZ '), 20);
  header.set(text('acsp'), 36);
  header.set(Buffer.concat([fixed(0.9642), fixed(1), fixed(0.8249)]), 68);
  let offset = 128 + 4 + tags.length * 12;
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

const white = xyz([0.9642, 1, 0.8249]);

/** Columns: what red, green and blue are in XYZ, adapted to D50. */
const adobeRgb = [
  [0.60974, 0.20528, 0.14919],
  [0.31111, 0.62567, 0.06322],
  [0.01947, 0.06087, 0.74457],
] as const;
const column = (index: 0 | 1 | 2): number[] => adobeRgb.map((row) => row[index]);
const adobeGamma = 563 / 256;

export const adobeRgbProfile = profile('RGB ', [
  ['desc', description('Adobe-like RGB')],
  ['cprt', Buffer.concat([text('text'), number(0), text('none\0')])],
  ['wtpt', white],
  ['rXYZ', xyz(column(0))],
  ['gXYZ', xyz(column(1))],
  ['bXYZ', xyz(column(2))],
  ['rTRC', gammaCurve(adobeGamma)],
  ['gTRC', gammaCurve(adobeGamma)],
  ['bTRC', gammaCurve(adobeGamma)],
]);

/** Grey values that are proportional to light. */
const greyProfile = (curve: Buffer): Buffer =>
  profile('GRAY', [
    ['desc', description('Grey')],
    ['cprt', Buffer.concat([text('text'), number(0), text('none\0')])],
    ['wtpt', white],
    ['kTRC', curve],
  ]);

export const linearGreyProfile = greyProfile(gammaCurve(1));

const table = (values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(12 + 2 * values.length);
  bytes.write('curv', 0, 'latin1');
  bytes.writeUInt32BE(values.length, 8);
  values.forEach((value, index) => bytes.writeUInt16BE(Math.round(value * 65535), 12 + 2 * index));
  return bytes;
};
const parameters = (kind: number, values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(12 + 4 * values.length);
  bytes.write('para', 0, 'latin1');
  bytes.writeUInt16BE(kind, 8);
  values.forEach((value, index) => bytes.writeInt32BE(Math.round(value * 65536), 12 + 4 * index));
  return bytes;
};

/** Profiles of grey, and what light 0.4 is under each. */
export const greyProfiles: readonly (readonly [name: string, icc: Buffer, light: number])[] = [
  ['a gamma', greyProfile(gammaCurve(1.75)), 0.4 ** 1.75],
  ['nothing, which is linear', greyProfile(table([])), 0.4],
  ['a table', greyProfile(table([0, 0.1, 0.3, 0.5, 0.7, 1])), 0.3],
  ['a gamma in parameters', greyProfile(parameters(0, [1.8])), 0.4 ** 1.8],
  ['parameters with an offset', greyProfile(parameters(1, [2, 0.8, 0.2])), 0.52 ** 2],
  ['parameters with a straight part', greyProfile(parameters(3, [2.4, 1 / 1.1, 0.1 / 1.1, 0.1, 0.5])), 0.04],
];

/** XYZ at D50 to linear sRGB (Lindbloom). */
const xyzToSrgb = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
] as const;

const toSrgbCurve = (light: number): number =>
  light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;

/** What a colour of the Adobe-like profile is in sRGB, all from 0 to 1; exact, not by the library under test. */
export function adobeToSrgb(colour: readonly number[]): number[] {
  const light = colour.map((value) => value ** adobeGamma);
  const times = (matrix: readonly (readonly number[])[], vector: readonly number[]): number[] =>
    matrix.map((row) => row.reduce((sum, factor, i) => sum + factor * vector[i]!, 0));
  return times(xyzToSrgb, times(adobeRgb, light)).map((value) => toSrgbCurve(Math.min(1, Math.max(0, value))));
}

export const linearToSrgb = toSrgbCurve;
