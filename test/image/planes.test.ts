import { describe, expect, test } from 'vitest';
import { bleed } from '#src/image/alpha/bleed.js';
import { toDepth8 } from '#src/image/depth.js';
import { interleave, layOnWhite } from '#src/image/codec/interleave.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import type { PixelImage } from '#src/pixels.js';
import { reduceFrame } from '#src/image/reduce.js';
import { splitAlpha } from '#src/image/alpha/split-alpha.js';
import { samples, type Value } from './fixtures.js';

function plane(width: number, height: number, channels: 1 | 3, value: Value): PixelImage {
  return { width, height, channels, data: samples(width, height, value) };
}

describe('splitting', () => {
  test('takes RGBA and grey with alpha apart, and interleaving puts them together again', async () => {
    for (const channels of [2, 4] as const) {
      const data = samples(3, 2, (x, y) => [10 * x, 20 * y, 30, 40 + x].slice(4 - channels));
      const { colour, alpha } = await splitAlpha(data, 3, 2, channels, channels === 2 ? 1 : 3);
      expect(colour.channels).toBe(channels - 1);
      expect(await interleave(colour, alpha)).toEqual(data);
    }
  });

  test('drops an alpha channel in which all is opaque, in 8 and 16 bits', async () => {
    expect((await splitAlpha(Uint8Array.of(1, 2, 3, 255), 1, 1, 4, 3)).alpha).toBeUndefined();
    expect((await splitAlpha(Uint16Array.of(1, 2, 3, 65535), 1, 1, 4, 3)).alpha).toBeUndefined();
    expect((await splitAlpha(Uint16Array.of(1, 2, 3, 65534), 1, 1, 4, 3)).alpha?.data).toEqual(Uint16Array.of(65534));
  });
});

describe('bleeding', () => {
  // A visible square of 200, 100, 50 in the middle of black that no one sees.
  const inside = (x: number, y: number): boolean => x >= 10 && x < 14 && y >= 10 && y < 14;
  const colour = plane(24, 24, 3, (x, y) => (inside(x, y) ? [200, 100, 50] : [0, 0, 0]));
  const alpha = plane(24, 24, 1, (x, y) => [inside(x, y) ? 255 : 0]);

  test('carries the colour of the edge outward, and leaves what is visible alone', async () => {
    const bled = await bleed(colour, alpha, 3);
    expect(bled.data).toEqual(samples(24, 24, () => [200, 100, 50]));
    expect(colour.data[0]).toBe(0);
  });

  test('goes as many layers as asked, then takes one flat colour', async () => {
    const half = plane(24, 1, 1, (x) => [x < 4 ? 10 : x < 8 ? 250 : 0]);
    const cover = plane(24, 1, 1, (x) => [x >= 2 && x < 8 ? 255 : 0]);
    expect([...(await bleed(half, cover, 2)).data]).toEqual([
      10,
      10,
      10,
      10,
      250,
      250,
      250,
      250,
      250,
      250,
      ...new Array<number>(14).fill(130),
    ]);
  });

  test('counts neighbours by their opacity', async () => {
    const three = plane(3, 1, 1, (x) => [[0, 99, 240][x]!]);
    const cover = plane(3, 1, 1, (x) => [[50, 0, 150][x]!]);
    expect((await bleed(three, cover, 1)).data[1]).toBe(180);
  });

  test('takes no stray colours from pixels that are hardly there', async () => {
    // An edge as image editors leave it: opaque, then thinner, with a white and a red that no one ever saw.
    const stray = plane(
      5,
      1,
      3,
      (x) =>
        [
          [90, 140, 60],
          [90, 140, 60],
          [102, 128, 51],
          [255, 255, 255],
          [255, 0, 0],
        ][x]!,
    );
    const cover = plane(5, 1, 1, (x) => [[255, 255, 20, 2, 0][x]!]);
    const bled = await bleed(stray, cover, 3);
    expect([...bled.data.subarray(0, 6)]).toEqual([90, 140, 60, 90, 140, 60]);
    for (const x of [2, 3, 4]) {
      for (const channel of [0, 1, 2]) {
        expect(Math.abs(bled.data[x * 3 + channel]! - [90, 140, 60][channel]!)).toBeLessThan(7);
      }
    }
  });

  test('leaves a picture alone that is thin but even', async () => {
    const shade = plane(6, 6, 3, () => [10, 20, 30]);
    for (const value of [3, 12, 40]) {
      expect(
        (
          await bleed(
            shade,
            plane(6, 6, 1, () => [value]),
            3,
          )
        ).data,
      ).toEqual(shade.data);
    }
  });

  test('does not mind pictures in which nothing, or everything, is visible', async () => {
    const nothing = plane(5, 4, 1, () => [0]);
    expect(
      (
        await bleed(
          plane(5, 4, 3, () => [7, 8, 9]),
          nothing,
          9,
        )
      ).data,
    ).toEqual(new Uint8Array(60));
    const all = plane(5, 4, 1, () => [1]);
    expect(
      (
        await bleed(
          plane(5, 4, 3, () => [7, 8, 9]),
          all,
          9,
        )
      ).data,
    ).toEqual(samples(5, 4, () => [7, 8, 9]));
  });

  test('does not wrap around at the sides', async () => {
    const cover = plane(4, 3, 1, (x, y) => [x === 3 && y === 1 ? 255 : 0]);
    const lit = plane(4, 3, 1, (x, y) => [x === 3 && y === 1 ? 200 : 0]);
    const bled = await bleed(lit, cover, 1);
    // All take the flat colour, which is the layer's mean; no neighbour is found across the border.
    expect(new Set(bled.data)).toEqual(new Set([200]));
  });

  test('works in 16 bits', async () => {
    const bled = await bleed(
      { width: 2, height: 1, channels: 1, data: Uint16Array.of(40000, 0) },
      { width: 2, height: 1, channels: 1, data: Uint16Array.of(65535, 0) },
      4,
    );
    expect(bled.data).toEqual(Uint16Array.of(40000, 40000));
  });
});

describe('reducing', () => {
  test('leaves every flat colour exactly as it is, at every opacity, in 8 bits', async () => {
    const timer = new PictureTimer();
    for (const cover of [1, 7, 77, 128, 254]) {
      // 256 rows of one colour each would mix, so each colour has a picture of its own.
      for (const value of [0, 1, 50, 100, 128, 200, 254, 255]) {
        const frame = { colour: plane(9, 8, 1, () => [value]), alpha: plane(9, 8, 1, () => [cover]) };
        const reduced = await reduceFrame(frame, { width: 5, height: 3 }, timer);
        expect(new Set(reduced.colour.data), `${value} at ${cover}`).toEqual(new Set([value]));
        expect(new Set(reduced.alpha!.data)).toEqual(new Set([cover]));
      }
    }
  });

  test('never mixes in what is invisible', async () => {
    const frame = {
      colour: plane(40, 40, 3, (x) => (x < 21 ? [200, 100, 50] : [0, 255, 0])),
      alpha: plane(40, 40, 1, (x) => [x < 21 ? 255 : 0]),
    };
    const { colour, alpha } = await reduceFrame(frame, { width: 13, height: 13 }, new PictureTimer());
    for (let pixel = 0; pixel < alpha!.data.length; pixel++) {
      if (alpha!.data[pixel]! < 4) continue;
      expect([...colour.data.subarray(pixel * 3, pixel * 3 + 3)]).toEqual([200, 100, 50]);
    }
  });

  test('keeps 16 bits', async () => {
    const data = new Uint16Array(16 * 16).fill(40001);
    const colour = { width: 16, height: 16, channels: 1, data } as const;
    const reduced = await reduceFrame({ colour, alpha: undefined }, { width: 7, height: 7 }, new PictureTimer());
    expect(new Set(reduced.colour.data)).toEqual(new Set([40001]));
    const alpha = { ...colour, data: new Uint16Array(16 * 16).fill(30001) };
    const covered = await reduceFrame({ colour, alpha }, { width: 7, height: 7 }, new PictureTimer());
    expect(new Set(covered.colour.data)).toEqual(new Set([40001]));
    expect(new Set(covered.alpha!.data)).toEqual(new Set([30001]));
  });

  test('goes from 16 to 8 bits to the nearest level', async () => {
    expect([...(await toDepth8(Uint16Array.of(0, 128, 129, 257, 65535, 65406, 65407)))]).toEqual([
      0, 0, 1, 1, 255, 254, 255,
    ]);
  });
});

test('laying on white keeps colours in proportion', async () => {
  const colour = plane(3, 1, 3, () => [0, 100, 255]);
  const alpha = plane(3, 1, 1, (x) => [[0, 128, 255][x]!]);
  expect([...(await layOnWhite(colour, alpha))]).toEqual([255, 255, 255, 127, 177, 255, 0, 100, 255]);
});
