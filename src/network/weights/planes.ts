import type { Plane } from '../proving.js';
import type { FixedSize } from '../../model/catalogue/geometry.js';
import { mirror } from '../tiles/mirrored-row.js';
import type { SideColours } from '../../model/catalogue/colours.js';

// BT.601, full range, as the graph has it.
const [KR, KG, KB] = [0.299, 0.587, 0.114] as const;

/**
 * The same picture in other numbers.
 * @param from what they are; undefined: R G B from 0 to 1
 * @param to what they are to be
 */
export function mapColours(plane: Plane, from: SideColours | undefined, to: SideColours | undefined): Plane {
  const pixels = plane.width * plane.height;
  const data = new Float32Array(plane.data.length);
  const values: [number, number, number] = [0, 0, 0];
  for (let at = 0; at < pixels; at++) {
    for (let channel = 0; channel < 3; channel++) values[channel] = plane.data[channel * pixels + at]!;
    if (from) toRgb(values, from);
    if (to) fromRgb(values, to);
    for (let channel = 0; channel < 3; channel++) data[channel * pixels + at] = values[channel]!;
  }
  return { ...plane, data };
}

type Triple = [number, number, number];

function toRgb(values: Triple, { order, range: [black, white] }: SideColours): void {
  const [a, b, c] = values.map((value) => (value - black) / (white - black)) as Triple;
  if (order === 'RGB') set(values, a, b, c);
  else if (order === 'BGR') set(values, c, b, a);
  else {
    const [blue, red] = [2 * (1 - KB) * (b - 0.5), 2 * (1 - KR) * (c - 0.5)];
    set(values, a + red, a - (KB * blue + KR * red) / KG, a + blue);
  }
}

function fromRgb(values: Triple, { order, range: [black, white] }: SideColours): void {
  const [r, g, b] = values;
  const luma = KR * r + KG * g + KB * b;
  if (order === 'BGR') set(values, b, g, r);
  else if (order === 'YCbCr') set(values, luma, 0.5 + (b - luma) / (2 * (1 - KB)), 0.5 + (r - luma) / (2 * (1 - KR)));
  for (let channel = 0; channel < 3; channel++) values[channel] = black + values[channel]! * (white - black);
}

function set(values: Triple, a: number, b: number, c: number): void {
  values[0] = a;
  values[1] = b;
  values[2] = c;
}

/** Runs a network that takes pictures of one size alone on smaller ones, mirrored until that is full. */
export function inFixedSize(run: (plane: Plane) => Promise<Plane>, size: FixedSize): (plane: Plane) => Promise<Plane> {
  return async ({ data, width, height }) => {
    const large = Float32Array.from({ length: 3 * size.width * size.height }, (_, at) => {
      const row = Math.floor(at / size.width);
      const channel = Math.floor(row / size.height);
      const from = channel * height + mirror(row % size.height, height);
      return data[from * width + mirror(at % size.width, width)]!;
    });
    const result = await run({ data: large, ...size });
    const scale = result.width / size.width;
    return crop(result, 0, 0, { width: width * scale, height: height * scale });
  };
}

/** A part of a picture. */
export function crop(plane: Plane, x: number, y: number, { width, height }: { width: number; height: number }): Plane {
  const data = new Float32Array(3 * width * height);
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < height; row++) {
      const from = (channel * plane.height + y + row) * plane.width + x;
      data.set(plane.data.subarray(from, from + width), (channel * height + row) * width);
    }
  }
  return { data, width, height };
}
