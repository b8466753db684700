import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { cacheKey } from '#src/asset/cache/cache-key.js';
import { checkAssetOptions } from '#src/asset/options.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import { cellSize } from '#src/image/auto/cells.js';
import { chooseForPicture } from '#src/image/auto/choose-for-picture.js';
import { autoChoices, type ModelChoice } from '#src/image/auto/auto-model.js';
import { chooseModel } from '#src/image/auto/choose-model.js';
import { decode } from '#src/image/codec/decode.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import { mostColours, pictureFeatures, type PictureFeatures } from '#src/image/auto/picture-features.js';
import type { Frame } from '#src/pixels.js';
import { readHeader } from '#src/image/codec/read-header.js';
import { useUpscaler } from './upscaler.js';

const example = (name: string): string => fileURLToPath(new URL(`../../examples/images/${name}`, import.meta.url));

const grey = (width: number, height: number, value: (x: number, y: number) => number): Frame => ({
  colour: {
    width,
    height,
    channels: 1,
    data: Uint8Array.from({ length: width * height }, (_, at) => value(at % width, Math.floor(at / width))),
  },
  alpha: undefined,
});

/** More colours than are told apart. */
const colourful = (side: number): Frame => ({
  colour: {
    width: side,
    height: side,
    channels: 3,
    data: Uint8Array.from({ length: side * side * 3 }, (_, at) => Math.imul(at ^ (at >>> 5), 2654435761) >>> 24),
  },
  alpha: undefined,
});

/** A drawing with smooth edges on nothing. */
const badge = (): Sharp =>
  sharp(
    Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><path d="M5 27 16 4l11 23z" fill="none" stroke="#c22" stroke-width="3"/><circle cx="16" cy="20" r="3"/></svg>',
    ),
  );

/** Modules of a code: dark or light, whatever the ones beside them are. */
const noise = (x: number, y: number): boolean => {
  const mixed = Math.imul(x + 1, 0x9e3779b1) ^ Math.imul(y + 1, 0x85ebca6b);
  const again = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return ((again ^ (again >>> 12)) & 1) === 1;
};

/** Sixteen pixels a side: outlined, shaded, on nothing. */
const sprite = (): Promise<Buffer> => {
  const data = Uint8Array.from({ length: 16 * 16 * 4 }, (_, at) => {
    const [x, y] = [Math.floor(at / 4) % 16, Math.floor(at / 64)];
    const radius = Math.hypot(x - 7.5, y - 7.5);
    const colour =
      radius > 7 ? [0, 0, 0, 0] : radius > 6 ? [20, 16, 28, 255] : y < 6 ? [230, 80, 60, 255] : [150, 40, 50, 255];
    return colour[at % 4]!;
  });
  return sharp(data, { raw: { width: 16, height: 16, channels: 4 } })
    .png()
    .toBuffer();
};

const oneColour: Omit<PictureFeatures, 'pixels' | 'side' | 'area'> = {
  contrast: 0,
  colours: 1,
  mixed: 0,
  flat: 1,
  soft: 0,
  hard: 0,
  energy: 0,
  following: [0, 0],
  ramped: 0,
  ringing: 0,
  turning: 0,
  paired: 0,
  striped: 0,
  inks: 0,
  translucent: 0,
  cutOut: false,
};

describe('what is counted in a picture', () => {
  it('finds one colour flat', async () => {
    expect(await pictureFeatures(grey(9, 7, () => 80))).toEqual({ ...oneColour, pixels: 63, side: 7, area: 63 });
  });

  it('tells gradients, texture and edges apart by the size of the step', async () => {
    // Slopes of full contrast.
    const slope = (step: number): Promise<PictureFeatures> =>
      pictureFeatures(grey(1 + Math.ceil(128 / step), 9, (x) => x * step));
    expect(await slope(8)).toMatchObject({ colours: 17, flat: 0, soft: 0, hard: 0 });
    expect(await slope(48)).toMatchObject({ colours: 4, flat: 0, soft: 1, hard: 0 });
    expect(await slope(49)).toMatchObject({ colours: 4, flat: 0, soft: 0, hard: 1 });
  });

  it.each([2, 6, 20, 60])('sees a drawing of %d levels of contrast as one of full contrast', async (levels) => {
    const drawing = (contrast: number, ground: number) => (x: number, y: number) =>
      ground + Math.round(contrast * (Math.hypot(x - 12, y - 12) < 8 || y === 3 ? 1 : x === 20 ? 0.5 : 0));
    const full = await pictureFeatures(grey(24, 24, drawing(200, 30)));
    const dull = await pictureFeatures(grey(24, 24, drawing(levels, 90)));
    for (const name of ['flat', 'soft', 'hard', 'ramped', 'turning', 'mixed'] as const) {
      expect([name, dull[name]]).toEqual([name, full[name]]);
    }
  });

  it('tells how the steps of luma follow each other', async () => {
    // Up and down again, in both directions: every step is undone by the next and repeated by the one after that.
    const board = await pictureFeatures(grey(12, 12, (x, y) => ((x + y) % 2) * 10));
    expect(board.energy).toBe(100);
    expect(board.following).toEqual([-1, 1]);
    // The same step everywhere to the right, none down.
    const slope = await pictureFeatures(grey(12, 12, (x) => x * 6));
    expect(slope.energy).toBeCloseTo(36 * (9 / 18), 1);
    expect(slope.following).toEqual([1, 1]);
    // Edges of one step, far from each other: nothing follows.
    const edges = await pictureFeatures(grey(24, 24, (x) => (x % 12 < 6 ? 0 : 80)));
    expect(edges.following).toEqual([0, 0]);
  });

  it('counts the luma of colours', async () => {
    const red: Frame = {
      colour: {
        width: 12,
        height: 12,
        channels: 3,
        data: Uint8Array.from({ length: 432 }, (_, at) => (at % 3 === 0 ? ((at / 3) % 2) * 100 : 0)),
      },
      alpha: undefined,
    };
    const same = await pictureFeatures(grey(12, 12, (x) => (x % 2) * 100));
    // Luma is a whole number.
    expect((await pictureFeatures(red)).energy).toBeCloseTo((same.energy * 30 ** 2) / 100 ** 2, 6);
    expect((await pictureFeatures(red)).following).toEqual(same.following);
  });

  it('is the same in 16 bits', async () => {
    const narrow = grey(16, 16, (x, y) => (x * 37 + y * 91) % 256);
    const wide: Frame = {
      colour: { ...narrow.colour, data: Uint16Array.from(narrow.colour.data, (value) => value * 257) },
      alpha: undefined,
    };
    expect(await pictureFeatures(wide)).toEqual(await pictureFeatures(narrow));
  });

  it('sees how soft edges are, and what rings next to them', async () => {
    const step = (x: number): number => (x % 12 < 6 ? 0 : 200);
    const sharpEdges = await pictureFeatures(grey(48, 48, step));
    expect(sharpEdges).toMatchObject({ ramped: 0, ringing: 0 });
    const soft = await pictureFeatures(grey(48, 48, (x) => (x % 6 === 0 ? 100 : step(x))));
    expect(soft.ramped).toBeGreaterThan(0.25);
    const rings = await pictureFeatures(
      grey(48, 48, (x) => 20 + step(x) + (x % 12 === 5 ? -15 : x % 12 === 6 ? 15 : 0)),
    );
    expect(rings.ringing).toBeGreaterThan(0.25);
  });

  it('sees stripes as fine as pixels, and none in steps that go on or stand alone', async () => {
    expect((await pictureFeatures(grey(24, 24, (x) => (x % 2) * 60))).turning).toBe(1);
    expect((await pictureFeatures(grey(24, 24, (x) => x * 10))).turning).toBe(0);
    expect((await pictureFeatures(grey(24, 24, (x) => (x % 8 < 4 ? 0 : 60)))).turning).toBe(0);
  });

  it('tells cells two pixels wide from pairs of pixels that lie anywhere', async () => {
    expect((await pictureFeatures(grey(48, 24, (x, y) => (noise(x >> 1, y) ? 0 : 255)))).paired).toBe(1);
    expect((await pictureFeatures(grey(48, 24, (x, y) => (noise((x + 1) >> 1, y) ? 0 : 255)))).paired).toBe(1);
    const anywhere = await pictureFeatures(grey(48, 24, (x, y) => (noise((x + y) >> 1, y) ? 0 : 255)));
    expect(anywhere.paired).toBeLessThan(0.7);
    expect((await pictureFeatures(grey(24, 24, () => 80))).paired).toBe(0);
  });

  it('tells even stripes from other steps that turn', async () => {
    expect((await pictureFeatures(grey(24, 24, (x) => (x % 2) * 60))).striped).toBe(1);
    const uneven = await pictureFeatures(grey(24, 24, (x) => [0, 100, 60, 80][x % 4]!));
    expect(uneven).toMatchObject({ turning: 1, striped: 0 });
  });

  it('tells edges between two colours, and mixtures of them, from edges between several', async () => {
    const drawn = async (body: string): Promise<number> => {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24">${body}</svg>`;
      const header = await readHeader(await sharp(Buffer.from(svg)).png().toBuffer());
      const [frame] = await decode(await sharp(Buffer.from(svg)).png().toBuffer(), header, {
        frames: 1,
        colour: 'srgb',
        file: undefined,
        timer: new PictureTimer(),
      });
      return (await pictureFeatures(frame!)).inks;
    };
    const disc = '<rect width="24" height="24" fill="#fde68a"/><circle cx="11" cy="12" r="7" fill="#1f2937"/>';
    expect(await drawn(disc)).toBeLessThan(0.01);
    expect(await drawn(`${disc}<rect width="24" height="9" fill="#dc2626"/>`)).toBeGreaterThan(0.18);
  });

  it('tells colours that are mixed of those beside them from a palette', async () => {
    const edge = (levels: readonly number[]) => (x: number) => levels[Math.min(levels.length - 1, Math.max(0, x - 6))]!;
    // An edge drawn between pixels, and one that is on them.
    expect((await pictureFeatures(grey(16, 16, edge([20, 90, 220])))).mixed).toBe(1);
    expect((await pictureFeatures(grey(16, 16, edge([20, 220])))).mixed).toBe(0);
    // Where it mostly stands for itself, a colour is none, though it lies between others here and there.
    const shape = (x: number, y: number): number => (y < 10 && x < 12 ? 90 : edge([20, 90, 220])(x));
    expect((await pictureFeatures(grey(16, 16, shape))).mixed).toBe(0);
  });

  it('does not see colours under full transparency', async () => {
    const { colour } = grey(8, 8, (x) => (x * 83) % 256);
    const nothing = await pictureFeatures({ colour, alpha: grey(8, 8, () => 0).colour });
    expect(nothing).toEqual({ ...oneColour, pixels: 64, side: 8, area: 64, cutOut: true });
  });

  it.each([
    ['black', 0],
    ['white', 255],
    ['grey', 90],
  ])('sees a drawing that lies in alpha alone, in %s', async (_, ink) => {
    const drawing = (x: number, y: number): number => (Math.hypot(x - 12, y - 12) < 8 ? 255 : 0);
    const inAlpha = await pictureFeatures({
      colour: grey(24, 24, () => ink).colour,
      alpha: grey(24, 24, drawing).colour,
    });
    expect(inAlpha.colours).toBe(2);
    expect(inAlpha.hard).toBeGreaterThan(0.05);
    const opaque = await pictureFeatures(grey(24, 24, (x, y) => (drawing(x, y) ? 0 : 255)));
    expect(inAlpha.hard).toBe(opaque.hard);
    expect(inAlpha.following).toEqual(opaque.following);
  });

  it('sees how much is translucent', async () => {
    const { colour } = grey(8, 8, () => 0);
    const half = await pictureFeatures({ colour, alpha: grey(8, 8, (x) => (x < 2 ? 0 : x < 5 ? 100 : 255)).colour });
    expect(half.translucent).toBe(0.5);
  });

  it.each([
    [1, 1],
    [1, 40],
    [40, 1],
    [2, 2],
    [3, 3],
  ])('exists for a picture of %d × %d', async (width, height) => {
    const found = await pictureFeatures(grey(width, height, (x, y) => (x * 97 + y * 31) % 256));
    for (const value of Object.values(found).flat()) expect(Number(value)).toBeGreaterThanOrEqual(-1);
    expect(found.colours).toBeGreaterThan(0);
  });

  it('counts no more colours than matter', async () => {
    expect((await pictureFeatures(colourful(64))).colours).toBe(mostColours);
  });
});

describe('squares of which a picture consists', () => {
  const art = (x: number, y: number): number => [0, 80, 160, 255][(x * 7 + y * 5 + x * y) % 4]!;
  const enlarged = (cell: number, width = 12, height = 9): Frame =>
    grey(width * cell, height * cell, (x, y) => art(Math.floor(x / cell), Math.floor(y / cell)));

  it.each([1, 2, 3, 4, 5, 8])('of %d pixels are found', async (cell) => {
    expect(await cellSize(enlarged(cell))).toBe(cell);
  });

  it('are none where a single pixel differs', async () => {
    const frame = enlarged(4);
    frame.colour.data[5 * 48 + 6]! ^= 1;
    expect(await cellSize(frame)).toBe(1);
  });

  it('are found in alpha too, and not disturbed by what lies under full transparency', async () => {
    const frame = enlarged(3);
    const hidden = grey(36, 27, (x, y) => (x * y) % 251).colour;
    expect(await cellSize({ colour: grey(36, 27, () => 0).colour, alpha: frame.colour })).toBe(3);
    const cut = grey(36, 27, (x) => (x < 18 ? 255 : 0)).colour;
    const mixed = grey(36, 27, (x, y) => (x < 18 ? frame.colour.data[y * 36 + x]! : hidden.data[y * 36 + x]!)).colour;
    expect(await cellSize({ colour: mixed, alpha: cut })).toBe(3);
  });
});

describe('the choice', () => {
  /** Files of real pictures, as `auto` meets them. */
  const choose = async (file: Uint8Array, factor = 2): Promise<ModelChoice> => {
    const header = await readHeader(file);
    const [frame] = await decode(file, header, {
      frames: 1,
      colour: 'srgb',
      file: undefined,
      timer: new PictureTimer(),
    });
    return chooseForPicture(file, header, frame!, factor);
  };
  const svg = (side: number, body: string): Sharp =>
    sharp(
      Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 24 24">${body}</svg>`,
      ),
    );
  const line = (side: number, ink: string): Sharp =>
    svg(
      side,
      `<g fill="none" stroke="${ink}" stroke-width="2" stroke-linecap="round"><circle cx="11" cy="11" r="8"/><path d="m21 21-4.3-4.3M8 11h6"/></g>`,
    );
  const filled = (side: number, ink: string): Sharp =>
    svg(side, `<path fill="${ink}" d="M12 2 3 9v12h6v-7h6v7h6V9z"/><circle fill="${ink}" cx="20" cy="4" r="3"/>`);
  const photo = sharp(example('astronaut.png')).removeAlpha();

  it.each(
    [line, filled].flatMap((draw) =>
      [16, 20, 24, 32, 48, 64].flatMap((side) =>
        ['#000', '#fff', '#2563eb'].map((ink) => [draw.name, side, ink, draw] as const),
      ),
    ),
  )('is art for icons whose drawing lies in alpha: %s of %d pixels in %s', async (_, side, ink, draw) => {
    for (const factor of [1.5, 2, 3, 4]) {
      expect((await choose(await draw(side, ink).png().toBuffer(), factor)).model).toBe('art');
    }
    const wide = draw(side, ink).toColourspace('rgb16').png();
    expect((await choose(await wide.toBuffer())).model).toBe('art');
    expect((await choose(await draw(side, ink).webp({ lossless: true }).toBuffer())).model).toBe('art');
    const paper = ink === '#fff' ? '#123' : '#fff';
    expect((await choose(await draw(side, ink).flatten({ background: paper }).png().toBuffer())).model).toBe('art');
  });

  const flag = (side: number): Sharp =>
    svg(
      side,
      '<path fill="#009543" d="M0 0h24v24H0z"/><path fill="#fff" d="M0 8h24v16H0z"/><path fill="#d52b1e" d="M0 16h24v8H0z"/><path fill="#fcd116" d="m4 10 1 3 3 1-3 1-1 3-1-3-3-1 3-1z"/>',
    );

  it('is anime for small drawings in several colours without loss, where its time is not noticed', async () => {
    for (const side of [16, 20, 32, 64, 128]) {
      expect((await choose(await flag(side).png().toBuffer())).model).toBe('anime');
    }
    // As many pixels of the result.
    for (const [side, factor] of [
      [64, 4],
      [84, 3],
    ] as const) {
      expect((await choose(await flag(side).png().toBuffer(), factor)).model).toBe('anime');
      expect(
        (
          await choose(
            await flag(side + 2)
              .png()
              .toBuffer(),
            factor,
          )
        ).model,
      ).toBe('art');
    }
    expect((await choose(await flag(130).png().toBuffer())).model).toBe('art');
    expect((await choose(await flag(32).webp({ quality: 80 }).toBuffer())).model).not.toBe('anime');
  });

  it.each([20, 40, 64])('is art for plain stripes, whose edges lie between pixels of %d', async (side) => {
    const stripes = svg(
      side,
      '<path d="M0 0h8v24H0z" fill="#009246"/><path d="M8 0h8v24H8z" fill="#fff"/><path d="M16 0h8v24h-8z" fill="#ce2b37"/>',
    );
    expect((await choose(await stripes.png().toBuffer())).model).toBe('art');
  });

  describe('of clip art without loss', () => {
    const drawing = (width: number): Sharp =>
      sharp(
        Buffer.from(
          `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${width}" viewBox="0 0 24 24"><path fill="#dbeafe" d="M0 0h24v24H0z"/><path fill="#6b8fd6" stroke="#334155" d="M3 20 12 3l9 17q-9-5-18 0z"/><circle cx="12" cy="13" r="2.5" fill="#93b4f0" stroke="#334155"/></svg>`,
        ),
      );
    const reduced = async (width: number, kernel: 'lanczos3' | 'lanczos2' | 'cubic' | 'mitchell'): Promise<Buffer> => {
      const large = await drawing(4 * width)
        .png()
        .toBuffer();
      return sharp(large).resize(width, null, { kernel }).png().toBuffer();
    };

    it.each([40, 96, 160, 320])('is anime where sharp reduced it to %d pixels, by its own kernel', async (width) => {
      const { model } = await choose(await reduced(width, 'lanczos3'));
      expect(model).toBe('anime');
    });

    it('is art where nothing rings, and where eight times the time would be noticed', async () => {
      for (const width of [40, 96, 160, 320]) {
        const drawn = await drawing(width).png().toBuffer();
        expect((await choose(drawn)).model).toBe('art');
        expect((await choose(await reduced(width, 'mitchell'))).model).toBe('art');
      }
      expect((await choose(await reduced(640, 'lanczos3'))).model).not.toBe('anime');
      expect((await choose(await reduced(320, 'lanczos3'), 4)).model).not.toBe('anime');
    });
  });

  it('is natural for photographs that ring, on paper as well', async () => {
    for (const kernel of ['lanczos3', 'cubic'] as const) {
      const small = await photo.clone().resize(96, null, { kernel }).png().toBuffer();
      expect((await choose(small)).model).toBe('natural');
      const onPaper = sharp(small).extend({ top: 30, bottom: 30, left: 30, right: 30, background: '#fff' }).png();
      expect((await choose(await onPaper.toBuffer())).model).toBe('natural');
    }
  });

  it.each([50, 60, 70])('is no repetition of pixels for flags as an AVIF of quality %d', async (quality) => {
    for (const side of [20, 24, 32, 48]) {
      expect((await choose(await flag(side).avif({ quality }).toBuffer())).model).not.toBe('nearest');
    }
  });

  it.each([2, 4])('is no repetition of pixels for stripes that meet between pixels, ×%d', async (factor) => {
    // Where they meet the ground shines through, so that no colour there is a mixture of theirs.
    const stripes = svg(
      64,
      '<path fill="#fff" d="M0 0h24v8H0z"/><path fill="#00966e" d="M0 8h24v8H0z"/><path fill="#d62612" d="M0 16h24v8H0z"/>',
    );
    expect((await choose(await stripes.png().toBuffer(), factor)).model).not.toBe('nearest');
  });

  it.each(
    [
      ['#1f2937', '#000'],
      ['#1f2937', '#111827'],
      ['#f3f4f6', '#fff'],
      ['#5b6270', '#6b7280'],
    ].flatMap(([ink, paper]) => [50, 70].map((quality) => [ink!, paper!, quality] as const)),
  )('sees no photograph in a dull drawing: %s on %s as an AVIF of quality %d', async (ink, paper, quality) => {
    for (const factor of [2, 3]) {
      const file = await line(24, ink).flatten({ background: paper }).avif({ quality }).toBuffer();
      expect((await choose(file, factor)).model).not.toMatch(/^natural/);
    }
  });

  it('is bicubic for a photograph of even stripes, whose direction a reduction may have turned', () => {
    const stripes = { ...oneColour, colours: 1024, flat: 0.01, soft: 0.5, hard: 0.1, energy: 370, ramped: 0.75 };
    const features = {
      ...stripes,
      pixels: 65536,
      side: 256,
      area: 65536,
      following: [-0.05, -0.16] as const,
      ringing: 0.16,
    };
    const model = (turning: number, striped: number, flat = 0.01): string =>
      chooseModel({ features: { ...features, turning, striped, flat }, damage: undefined, cell: 1, factor: 2 }).model;
    expect(model(0.22, 0.08)).toBe('bicubic');
    expect(model(0.4, 0.09)).toBe('natural');
    expect(model(0.22, 0.08, 0.3)).not.toBe('bicubic');
  });

  it.each([2, 3, 4])('is natural for photographs without loss, ×%d', async (factor) => {
    for (const file of [photo.clone().png(), photo.clone().webp({ lossless: true }), photo.clone().tiff()]) {
      expect((await choose(await file.toBuffer(), factor)).model).toBe('natural');
    }
  });

  it.each([
    ['jpeg', [20, 50, 70, 80]],
    ['webp', [20, 50, 70]],
    ['avif', [20, 40]],
  ] as const)('is natural-jpeg for photographs that lost much in a %s', async (format, qualities) => {
    for (const quality of qualities) {
      const { model, reason } = await choose(await photo.clone()[format]({ quality }).toBuffer());
      expect(model).toBe('natural-jpeg');
      expect(reason).toMatch(/^(JPEG of quality|WebP of quantiser|AVIF of quantiser) \d+/);
    }
  });

  it('is not natural-jpeg where next to nothing was lost, or it is not known that anything was', async () => {
    for (const quality of [98, 100]) {
      expect((await choose(await photo.clone().jpeg({ quality }).toBuffer())).model).not.toBe('natural-jpeg');
    }
  });

  const code = (cell: number): Sharp => {
    const { colour } = grey(29 * cell, 29 * cell, (x, y) =>
      noise(Math.floor(x / cell), Math.floor(y / cell)) &&
      x >= 4 * cell &&
      x < 25 * cell &&
      y >= 4 * cell &&
      y < 25 * cell
        ? 0
        : 255,
    );
    const { width, height, data } = colour;
    return sharp(data, { raw: { width, height, channels: 1 } });
  };

  it.each([1, 2, 3, 4, 7])('is nearest for codes whose squares have %d pixels', async (cell) => {
    const picture = code(cell);
    for (const file of [
      picture.clone().png(),
      picture.clone().png({ palette: true }),
      picture.clone().gif(),
      picture.clone().webp({ lossless: true }),
    ]) {
      const { model, reason } = await choose(await file.toBuffer());
      expect(model).toBe('nearest');
      if (cell > 1) expect(reason).toContain(`squares of ${cell} pixels`);
    }
  });

  describe.each([
    ['jpeg', 60, 'anime-noise1', 'anime-noise1'],
    ['jpeg', 75, 'nearest', 'anime-noise1'],
    ['jpeg', 90, 'nearest', 'anime-noise1'],
    ['webp', 60, 'nearest', 'anime-noise1'],
    ['webp', 85, 'nearest', 'anime-noise1'],
    ['avif', 40, 'nearest', 'nearest'],
    ['avif', 65, 'nearest', 'nearest'],
  ] as const)('of codes as a %s of quality %d', (format, quality, single, larger) => {
    it.each([1, 2, 3, 4])(`is ${single} where a square is a pixel, otherwise ${larger}: %d pixels`, async (cell) => {
      const file = await code(cell).toColourspace('srgb')[format]({ quality }).toBuffer();
      for (const factor of [2, 4]) expect((await choose(file, factor)).model).toBe(cell === 1 ? single : larger);
    });
  });

  it.each([
    ['jpeg', 95],
    ['webp', 90],
    ['avif', 50],
    ['avif', 70],
  ] as const)('is nearest for sprites as a %s of quality %d', async (format, quality) => {
    const sheet = sharp(await sprite())
      .flatten({ background: '#f4f4f4' })
      .extend({ left: 16, top: 16, extendWith: 'repeat' });
    expect((await choose(await sheet[format]({ quality }).toBuffer())).model).toBe('nearest');
  });

  describe.each([
    ['a grid of thin lines', 14, 0.7, 1.65],
    ['bars that are no whole pixels wide', 7.3, 2.6, 0.4],
    ['bars of a pixel and a half', 4.5, 1.5, 0.25],
  ] as const)('of %s', (_what, pitch, wide, start) => {
    const bars = Array.from({ length: Math.floor(120 / pitch) }, (_, at) => `M${at * pitch + start + wide / 2} 4v92`);
    const drawn = sharp(
      Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="124" height="100"><rect width="124" height="100" fill="#fff"/>
        <path d="${bars.join('')}" stroke="#000" stroke-width="${wide}"/>
        <path d="M8 90 60 12l52 78" fill="none" stroke="#000"/></svg>`,
      ),
    );
    it.each([
      ['jpeg', 85],
      ['webp', 80],
      ['avif', 60],
    ] as const)('is no repetition of pixels as a %s of quality %d', async (format, quality) => {
      const { model } = await choose(await drawn.clone()[format]({ quality }).toBuffer());
      expect(model).not.toBe('nearest');
    });
  });

  it('is nearest for pixel art that was enlarged, with alpha too', async () => {
    const pixels = await sharp(await sprite())
      .ensureAlpha()
      .raw()
      .toBuffer();
    for (const cell of [2, 3, 4]) {
      const side = 16 * cell;
      const large = Uint8Array.from({ length: side * side * 4 }, (_, at) => {
        const pixel = Math.floor(at / 4);
        return pixels[
          (Math.floor(Math.floor(pixel / side) / cell) * 16 + Math.floor((pixel % side) / cell)) * 4 + (at % 4)
        ]!;
      });
      const file = await sharp(large, { raw: { width: side, height: side, channels: 4 } })
        .png()
        .toBuffer();
      expect((await choose(file)).model).toBe('nearest');
    }
  });

  it.each(['coffee.jpg', 'chelsea.webp', 'rocket.jpg'])(
    'is natural-jpeg for a photograph in a palette of few colours, which is no pixel art: %s',
    async (name) => {
      const small = sharp(example(name)).removeAlpha().resize(120);
      for (const file of [
        small.clone().png({ palette: true, quality: 40, dither: 1 }),
        small.clone().png({ palette: true, quality: 40, dither: 0 }),
        small.clone().gif({ colours: 16, dither: 1 }),
        small.clone().gif({ colours: 16, dither: 0 }),
      ])
        expect((await choose(await file.toBuffer())).model).toBe('natural-jpeg');
      // With as many colours as a palette can have, hardly anything is lost.
      expect((await choose(await small.clone().png({ palette: true }).toBuffer())).model).toBe('natural');
    },
  );

  it('is natural for grey photographs, which have few colours without a palette', async () => {
    const grey = sharp(example('grass.png')).greyscale().linear(0.4, 60).resize(128);
    expect((await choose(await grey.png().toBuffer())).model).toBe('natural');
  });

  it('is nearest for skies that are dithered in a palette of one hue, however its steps follow each other', async () => {
    const palette = [0x1b2a49, 0x2f4b7c, 0x4f7cac, 0x8fb8de, 0xd7e9f7];
    const bayer = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
    // So steep that three colours lie in a row, as those of a smoothed edge do.
    const [width, height] = [48, 6];
    const sky = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
      const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
      const level = (y / height) * (palette.length - 1) + (bayer[(y % 4) * 4 + (x % 4)]! + 0.5) / 16;
      return (palette[Math.min(palette.length - 1, Math.floor(level))]! >> (16 - 8 * (at % 3))) & 255;
    });
    const file = await sharp(sky, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    expect((await choose(file)).model).toBe('nearest');
  });

  it('is no pixel art because an icon is so small that it has few colours', async () => {
    // A strip of film: most of its edges lie between pixels, and hardly any takes two steps.
    const film = svg(
      16,
      '<path fill-rule="evenodd" d="M5.7 3h12.6A2.7 2.7 0 0 1 21 5.7v12.6a2.7 2.7 0 0 1-2.7 2.7H5.7A2.7 2.7 0 0 1 3 18.3V5.7A2.7 2.7 0 0 1 5.7 3z' +
        'M7 11H5V9h2zM7 13H5v2h2zM7 5v2H5V5.7a.7.7 0 0 1 .7-.7zM7 19H5.7a.7.7 0 0 1-.7-.7V17h2z' +
        'M19 11h-2V9h2zM19 13h-2v2h2zM17 5h1.3a.7.7 0 0 1 .7.7V7h-2zM17 19h1.3a.7.7 0 0 0 .7-.7V17h-2z"/>',
    );
    expect((await choose(await film.clone().png().toBuffer())).model).toBe('art');
    expect((await choose(await film.clone().flatten({ background: '#fff' }).png().toBuffer())).model).toBe('art');
  });

  it.each([
    ['jpeg', 70],
    ['jpeg', 85],
    ['webp', 50],
    ['webp', 80],
  ] as const)('is art-jpeg for drawings that lost something in a %s of quality %d', async (format, quality) => {
    const bars = svg(
      240,
      '<path d="M0 0h24v24H0z" fill="#fff"/><path d="M2 10h3v12H2zM7 5h3v17H7zM12 13h3v9h-3zM17 3h3v19h-3z" fill="#2563eb"/>' +
        '<path d="M1 22h22M1 16h22M1 10h22M1 4h22" stroke="#999" stroke-width=".1"/>',
    );
    expect((await choose(await bars[format]({ quality }).toBuffer())).model).toBe('art-jpeg');
  });

  it.each([
    ['jpeg', ['#fff', '#f3f4f6']],
    ['webp', ['#fff', '#f3f4f6']],
  ] as const)('makes nothing sharp that hardly shows in a %s', async (format, [paper, ink]) => {
    for (const side of [16, 24, 48]) {
      const file = await line(side, ink).flatten({ background: paper })[format]({ quality: 80 }).toBuffer();
      for (const factor of [2, 3]) expect((await choose(file, factor)).model).toMatch(/^(bicubic|art)$/);
    }
  });

  it('is the cheapest where all are alike', async () => {
    for (const channels of [3, 4] as const) {
      for (const [width, height] of [
        [1, 1],
        [40, 30],
      ] as const) {
        const flat = sharp({ create: { width, height, channels, background: { r: 9, g: 80, b: 200, alpha: 0.5 } } });
        expect((await choose(await flat.png().toBuffer())).model).toBe('nearest');
      }
    }
  });

  it('says what it saw', async () => {
    expect((await choose(await line(24, '#000').png().toBuffer())).reason).toMatch(
      /^\d+ colours, \d+ % flat, \d+ % of the steps hard$/,
    );
    expect((await choose(await photo.clone().jpeg({ quality: 72 }).toBuffer())).reason).toMatch(
      /^JPEG of quality 72, many colours, \d+ % flat, \d+ % of the steps hard$/,
    );
    const features = { ...oneColour, pixels: 1, side: 1, area: 1 };
    expect(chooseModel({ features, damage: undefined, cell: 1, factor: 2 }).reason).toBe(
      '1 colour, 100 % flat, 0 % of the steps hard',
    );
  });

  it('is the same each time, and the same in 16 bits', async () => {
    const narrow = await photo.clone().resize(64).png().toBuffer();
    const wide = await photo.clone().resize(64).toColourspace('rgb16').png().toBuffer();
    expect(await choose(narrow)).toEqual(await choose(narrow));
    expect((await choose(wide)).model).toBe((await choose(narrow)).model);
  });
});

describe('model: auto', () => {
  const owner = useUpscaler();
  const { upscaler } = owner;

  it('gives the bytes that the chosen model gives, and tells which and why', async () => {
    const photo = sharp(example('astronaut.png')).resize(160);
    const files: [Uint8Array, string, RegExp][] = [
      [await photo.clone().png().toBuffer(), 'natural', /colours, .* of the steps hard$/],
      [await photo.clone().jpeg({ quality: 42 }).toBuffer(), 'natural-jpeg', /^JPEG of quality 42, /],
      [await badge().png().toBuffer(), 'art', /colours, .* of the steps hard$/],
    ];
    for (const [file, model, reason] of files) {
      // It is what is done where nothing is said.
      const result = await upscaler.upscale(file);
      expect(result.model).toBe(model);
      expect(result.modelReason).toMatch(reason);
      const asked = await upscaler.upscale(file, { model });
      expect(Buffer.compare(result.data, asked.data)).toBe(0);
      expect(asked).not.toHaveProperty('modelReason');
    }
  });

  it('chooses nothing where nothing is enlarged', async () => {
    const result = await upscaler.upscale(example('coffee.jpg'), { upscale: 1, model: 'auto' });
    expect(result.model).toBe('auto');
    expect(result).not.toHaveProperty('modelReason');
  });

  it('has results of its own in the cache', async () => {
    const source = Uint8Array.of(1, 2, 3);
    const keys = await Promise.all(
      [undefined, ...autoChoices].map((model) => cacheKey(source, model === undefined ? {} : { model })),
    );
    expect(new Set(keys).size).toBe(1 + autoChoices.length);
    expect(await cacheKey(source, { model: 'auto' })).toBe(keys[0]);
  });

  it('is in the report of a build, from the cache too', async () => {
    const { folder } = owner;
    const drawing = join(folder, 'car.png');
    await badge().png().toFile(drawing);
    const pipeline = new AssetPipeline({ cache: 'results' }, { root: folder, warn: () => undefined });
    const asset = await pipeline.plan(drawing, { upscale: [1.1], model: 'auto' });
    for (const status of ['computed', 'cached']) {
      await pipeline.render(asset, asset.variants[0]!);
      const [entry] = pipeline.report.entries();
      expect(entry).toMatchObject({ model: 'art', status });
      expect(entry?.modelReason).toMatch(/colours, /);
    }
    expect(pipeline.report.entries()).toHaveLength(1);
    expect(pipeline.report.table()[0]).toMatch(/art \(\d+ colours, .*\), from the cache$/);
    await pipeline.close();
  });

  it('is known to build tools, and no label of their own', () => {
    expect(() => {
      checkAssetOptions({ model: 'auto', defaults: { model: 'auto' } });
    }).not.toThrow();
    expect(() => {
      checkAssetOptions({ models: { auto: 'x.onnx' } });
    }).toThrow(/built-in/);
  });
});
