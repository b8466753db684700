import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { Upscaler } from '#src/index.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();

type Colour = readonly [number, number, number, number];
type Drawing = (x: number, y: number) => Colour;
type Place = (x: number, y: number) => readonly [number, number, number, number];

const tile = 24;
const side = 2 * tile;
const clear: Colour = [0, 0, 0, 0];

/** Whether a point lies in a square with round corners. */
const inBadge = (x: number, y: number): boolean =>
  Math.max(0, Math.abs(x) - 4) ** 2 + Math.max(0, Math.abs(y) - 4) ** 2 < 25;

/** Two straight edges at an angle, and two badges on their shadows, the second no wider than a pixel and a half. */
function sheet(body: Colour, shadow: Colour): Drawing {
  const edge = (x: number, y: number, degrees: number): Colour => {
    const angle = (degrees / 180) * Math.PI;
    return (x - 12.3) * Math.cos(angle) + (y - 11.8) * Math.sin(angle) < 0 ? body : shadow;
  };
  const badge = (x: number, y: number, right: number, down: number): Colour => {
    if (inBadge(x - 11, y - 10.5)) return body;
    return inBadge(x - 11 - right, y - 10.5 - down) ? shadow : clear;
  };
  return (x, y) => {
    const [left, top] = [x % tile, y % tile];
    if (y < tile) return x < tile ? edge(left, top, 20) : edge(left, top, 110);
    return x < tile ? badge(left, top, 0, 4) : badge(left, top, 1, 1.5);
  };
}

/** As renderers draw it, so many times as large: premultiplied colours, averaged over each pixel. */
function rendered(drawing: Drawing, scale = 1): Promise<Buffer> {
  const edge = scale * side;
  const data = Buffer.alloc(edge * edge * 4);
  const steps = 8;
  for (let y = 0; y < edge; y++) {
    for (let x = 0; x < edge; x++) {
      const sum = [0, 0, 0, 0];
      for (let at = 0; at < steps ** 2; at++) {
        const [right, down] = [((at % steps) + 0.5) / steps, (Math.floor(at / steps) + 0.5) / steps];
        const colour = drawing((x + right) / scale, (y + down) / scale);
        for (let part = 0; part < 3; part++) sum[part]! += colour[part]! * colour[3];
        sum[3]! += colour[3];
      }
      for (let part = 0; part < 3; part++) data[(y * edge + x) * 4 + part] = Math.round(sum[part]! / (sum[3]! || 1));
      data[(y * edge + x) * 4 + 3] = Math.round(sum[3]! / steps ** 2);
    }
  }
  return sharp(data, { raw: { width: edge, height: edge, channels: 4 } })
    .png()
    .toBuffer();
}

/** Red, green, blue and alpha, whatever the file has: raw grey would come without its alpha. */
async function decoded(file: Uint8Array): Promise<Place> {
  const { data, info } = await sharp(file)
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return (x, y) => {
    const at = 4 * (y * info.width + x);
    return [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!];
  };
}

/** What a pixel adds to black in each channel, and what it takes from white. */
function lights(place: Place, x: number, y: number): number[] {
  const [red, green, blue, alpha] = place(x, y);
  const added = [red, green, blue].map((value) => (value * alpha) / 255);
  return [...added, ...added.map((value) => alpha - value)];
}

/**
 * By how many levels a pixel is at most beyond both the 5×5 of the source around it and what the drawing itself has there (of what is
 * thinner than a pixel, and at the picture's border, the source has no pure colour), laid on black and on white.
 */
function worstSeam(small: Place, large: Place, truth: Place, scale: number): number {
  let worst = 0;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const around: number[][] = [];
      for (let row = Math.max(0, y - 2); row <= Math.min(side - 1, y + 2); row++) {
        for (let column = Math.max(0, x - 2); column <= Math.min(side - 1, x + 2); column++) {
          around.push(lights(small, column, row));
        }
      }
      const low = around[0]!.map((_, part) => Math.min(...around.map((of) => of[part]!)));
      const high = around[0]!.map((_, part) => Math.max(...around.map((of) => of[part]!)));
      for (let at = 0; at < scale ** 2; at++) {
        const [column, row] = [x * scale + (at % scale), y * scale + Math.floor(at / scale)];
        const drawn = lights(truth, column, row);
        lights(large, column, row).forEach((value, part) => {
          const [least, most] = [Math.min(low[part]!, drawn[part]!), Math.max(high[part]!, drawn[part]!)];
          worst = Math.max(worst, least - value, value - most);
        });
      }
    }
  }
  return worst;
}

describe('no seam where opaque meets translucent', () => {
  const pairs: readonly (readonly [string, Colour, Colour])[] = [
    ['orange on black of 35 %', [245, 158, 11, 255], [0, 0, 0, 89]],
    ['white on black of 12 %', [255, 255, 255, 255], [0, 0, 0, 30]],
    ['black on white of 78 %', [0, 0, 0, 255], [255, 255, 255, 200]],
    ['blue on orange of 40 %', [20, 60, 200, 255], [245, 158, 11, 102]],
  ];

  test.each(pairs)('%s', async (_, body, shadow) => {
    const drawing = sheet(body, shadow);
    const source = await rendered(drawing);
    const small = await decoded(source);
    for (const scale of [2, 3, 4]) {
      const truth = await decoded(await rendered(drawing, scale));
      for (const model of ['art', 'natural']) {
        const { data } = await upscaler.upscale(source, { model, upscale: scale });
        // Planes enlarged apart come to 90 and more.
        expect(worstSeam(small, await decoded(data), truth, scale), `${model} ×${scale}`).toBeLessThan(40);
      }
    }
  });

  test('the measure sees the seam that planes have which are enlarged apart', async () => {
    const drawing = sheet(pairs[0]![1], pairs[0]![2]);
    const source = await rendered(drawing);
    const plane = async (channel: 0 | 1 | 2 | 3): Promise<Buffer> => {
      const one = await sharp(source).extractChannel(channel).png().toBuffer();
      const { data } = await upscaler.upscale(one, { model: 'art' });
      return sharp(data).extractChannel(0).raw().toBuffer();
    };
    const planes = await Promise.all(([0, 1, 2, 3] as const).map(plane));
    const data = Buffer.alloc(16 * side * side);
    planes.forEach((values, channel) => {
      values.forEach((value, at) => (data[at * 4 + channel] = value));
    });
    const apart = await sharp(data, { raw: { width: 2 * side, height: 2 * side, channels: 4 } })
      .png()
      .toBuffer();
    const truth = await decoded(await rendered(drawing, 2));
    expect(worstSeam(await decoded(source), await decoded(apart), truth, 2)).toBeGreaterThan(80);
  });

  test('the same bytes with one thread as with two', async () => {
    const source = await rendered(sheet(pairs[0]![1], pairs[0]![2]));
    const results: Buffer[] = [];
    for (const threads of [1, 2]) {
      await using own = new Upscaler({ threads });
      for (const upscale of [2, 3]) {
        results.push(Buffer.from((await own.upscale(source, { model: 'art', upscale })).data));
      }
    }
    expect(results[0]).toEqual(results[2]);
    expect(results[1]).toEqual(results[3]);
  });
});
