import { readFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { hasAnimation, readApng } from '#src/image/codec/apng.js';
import { decode } from '#src/image/codec/decode.js';
import { probe } from '#src/image/codec/probe.js';
import { readHeader } from '#src/image/codec/read-header.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import type { Frame } from '#src/pixels.js';
import { pngChunks } from '#src/image/codec/png-chunks.js';
import { animation, decodePixels } from './fixtures.js';
import { pngChunk } from './png.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const nearest = { model: 'nearest', upscale: 1 } as const;

const uint32s = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
};

interface Part {
  readonly x?: number;
  readonly y?: number;
  readonly width: number;
  readonly height: number;
  readonly colour: readonly [number, number, number, number];
  readonly dispose?: 0 | 1 | 2;
  readonly blend?: 0 | 1;
  readonly delay?: readonly [number, number];
}

interface Container {
  readonly loop?: number;
  /** Frames that it says it has. */
  readonly promised?: number;
  /** Whether a picture of 8×8 comes first that is none of the frames. */
  readonly hidden?: boolean;
  /** What the second frame’s control calls its place in the sequence. */
  readonly second?: number;
}

/** An animated PNG of rectangles of one colour; written here by the specification, not by what is tested. */
async function apng(
  parts: readonly Part[],
  { loop = 0, promised = parts.length, hidden = false, second }: Container = {},
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sequence = 0;
  for (const [
    index,
    { x = 0, y = 0, width, height, colour, dispose = 0, blend = 0, delay = [1, 10] },
  ] of parts.entries()) {
    const [r, g, b, a] = colour;
    const png = await sharp({ create: { width, height, channels: 4, background: { r, g, b, alpha: a / 255 } } })
      .png({ palette: false })
      .toBuffer();
    const idat = Buffer.concat([...pngChunks(png)].filter(({ name }) => name === 'IDAT').map(({ content }) => content));
    if (index === 0) {
      const [across, down] = hidden ? [8, 8] : [width, height];
      const header = Buffer.concat([uint32s(across, down), png.subarray(24, 29)]);
      chunks.push(png.subarray(0, 8), pngChunk('IHDR', header), pngChunk('acTL', uint32s(promised, loop)));
      if (hidden) chunks.push(pngChunk('IDAT', deflateSync(Buffer.alloc(down * (1 + across * 4)))));
    }
    const timing = Buffer.alloc(6);
    timing.writeUInt16BE(delay[0], 0);
    timing.writeUInt16BE(delay[1], 2);
    timing[4] = dispose;
    timing[5] = blend;
    const number = index === 1 && second !== undefined ? second : sequence;
    sequence++;
    chunks.push(pngChunk('fcTL', Buffer.concat([uint32s(number, width, height, x, y), timing])));
    if (index === 0 && !hidden) chunks.push(pngChunk('IDAT', idat));
    else chunks.push(pngChunk('fdAT', Buffer.concat([uint32s(sequence++), idat])));
  }
  return Buffer.concat([...chunks, pngChunk('IEND', [])]);
}

async function framesOf(bytes: Uint8Array): Promise<readonly Frame[]> {
  const header = await readHeader(bytes);
  return decode(bytes, header, { frames: header.frames, colour: 'srgb', file: undefined, timer: new PictureTimer() });
}

const red = [255, 0, 0, 255] as const;
const green = [0, 255, 0, 255] as const;
const halfBlue = [0, 0, 255, 128] as const;
const nothing = [0, 0, 0, 0] as const;
const whole = { width: 8, height: 8, colour: red };
const corner = { width: 4, height: 4, colour: green };

/** Colours at (1, 1) and (6, 6) of each frame, as Chromium 156 shows them. */
const shown: readonly [string, readonly Part[], readonly (readonly [readonly number[], readonly number[]])[]][] = [
  [
    'a part is put over what stays',
    [whole, corner],
    [
      [red, red],
      [green, red],
    ],
  ],
  [
    'a part that is cleared',
    [whole, { ...corner, dispose: 1 }, { ...corner, x: 4, y: 4 }],
    [
      [red, red],
      [green, red],
      [nothing, green],
    ],
  ],
  [
    'a part before which things are put back',
    [whole, { ...corner, dispose: 2 }, { ...corner, x: 4, y: 4 }],
    [
      [red, red],
      [green, red],
      [red, green],
    ],
  ],
  [
    'the first can’t be put back, so it is cleared',
    [
      { ...whole, dispose: 2 },
      { ...corner, x: 4, y: 4 },
    ],
    [
      [red, red],
      [nothing, green],
    ],
  ],
  [
    'a translucent part in place of what was there',
    [whole, { ...corner, colour: halfBlue }],
    [
      [red, red],
      [halfBlue, red],
    ],
  ],
  [
    'a translucent part over what was there',
    [whole, { ...corner, colour: halfBlue, blend: 1 }],
    [
      [red, red],
      [[127, 0, 128, 255], red],
    ],
  ],
  [
    'a translucent part over nothing',
    [
      { ...whole, colour: nothing },
      { ...corner, colour: halfBlue, blend: 1 },
    ],
    [
      [nothing, nothing],
      [halfBlue, nothing],
    ],
  ],
];

describe('an animated PNG', () => {
  test.for(shown)('%s', async ([, parts, colours]) => {
    const result = await upscaler.upscale(await apng(parts, { loop: 3 }), nearest);
    expect(result).toMatchObject({ format: 'png', frames: parts.length });
    expect(result.warnings).toBeUndefined();
    for (const bytes of [await apng(parts), result.data]) {
      const frames = await framesOf(bytes);
      const seen = frames.map(({ colour, alpha }) =>
        [9, 54].map((at) => [...colour.data.subarray(at * 3, at * 3 + 3), alpha ? alpha.data[at] : 255]),
      );
      expect(seen).toEqual(colours);
    }
  });

  /** Where Chromium 156 shows the corner of a second frame of 6×3 at (0, 2), and the size of all, originally 8×6. */
  test.each([
    [1, 0, 2, 8, 6],
    [2, 2, 2, 8, 6],
    [3, 2, 1, 8, 6],
    [4, 0, 1, 8, 6],
    [5, 2, 0, 6, 8],
    [6, 1, 0, 6, 8],
    [7, 1, 2, 6, 8],
    [8, 2, 2, 6, 8],
  ])('is turned as EXIF says: %i', async (orientation, x, y, width, height) => {
    const source = await apng([
      { width: 8, height: 6, colour: red },
      { ...corner, y: 2, width: 6, height: 3 },
    ]);
    const exif = Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0', 'latin1');
    exif[19] = orientation;
    const turned = Buffer.concat([source.subarray(0, 33), pngChunk('eXIf', exif), source.subarray(33)]);
    const result = await upscaler.upscale(turned, nearest);
    expect(result).toMatchObject({ frames: 2, width, height });
    const isQuarter = width < height;
    const [own, tall] = isQuarter ? [3, 6] : [6, 3];
    expect(readApng(result.data)!.frames[1]).toMatchObject({ x, y, width: own, height: tall });
  });

  test('keeps times, rounds and size, larger', async () => {
    const source = await apng(
      [
        { ...whole, delay: [1, 2] },
        { ...corner, delay: [30, 0] },
        { ...corner, x: 2, delay: [7, 1000] },
      ],
      { loop: 4 },
    );
    expect(await probe(source)).toMatchObject({ format: 'png', frames: 3, width: 8, height: 8 });
    const { data, ...facts } = await upscaler.upscale(source, { upscale: 2, model: 'art' });
    expect(facts).toMatchObject({ format: 'png', frames: 3, width: 16, height: 16 });
    const read = readApng(data)!;
    expect(read.loop).toBe(4);
    expect(read.frames.map(({ delayMs }) => delayMs)).toEqual([500, 300, 7]);
    // What knows no animations shows the first frame.
    expect((await sharp(data).metadata()).width).toBe(16);
    expect((await decodePixels(data)).at(3, 3).slice(0, 3)).toEqual([255, 0, 0]);
  });

  test('with a picture besides, for those who know no animations, which no browser shows', async () => {
    const parts = [{ ...corner, x: 2 }, whole];
    const source = await apng(parts, { hidden: true });
    const moving = await upscaler.upscale(source, nearest);
    expect(moving.frames).toBe(2);
    const still = await upscaler.upscale(source, { ...nearest, animation: 'first-frame' });
    expect(still.frames).toBe(1);
    const alone = await upscaler.upscale(await apng(parts.slice(0, 1), { hidden: true }), nearest);
    expect(alone.frames).toBe(1);
    for (const { data } of [moving, still, alone]) {
      const pixels = await decodePixels(data);
      expect(pixels.at(3, 1)).toEqual(green);
      expect(pixels.at(6, 6)[3]).toBe(0);
    }
  });

  test('behind a profile that is longer than what is looked at first', async () => {
    const source = await apng([whole, corner]);
    const long = pngChunk('zzZz', Buffer.alloc(9000));
    const behind = Buffer.concat([source.subarray(0, 33), long, source.subarray(33)]);
    expect(await upscaler.upscale(behind, nearest)).toMatchObject({ frames: 2 });
  });

  /** Chunks, each before the one of that number. */
  const withChunks = (
    png: Buffer,
    added: readonly (readonly [before: number, name: string, content: Uint8Array])[],
  ) => {
    const all = [...pngChunks(png)].map(({ name, content }) => pngChunk(name, content));
    for (const [before, name, content] of added) all.splice(before, 0, pngChunk(name, content));
    return Buffer.concat([png.subarray(0, 8), ...all]);
  };

  test('has frames without texts, made when they are wanted', async () => {
    const long = Buffer.alloc(1e5, 65);
    const texts = withChunks(await apng([whole, corner]), [
      [1, 'tEXt', long],
      [1, 'zzZz', long],
    ]);
    const { frames } = readApng(texts)!;
    expect(frames.map(({ still }) => still().length < 1000)).toEqual([true, true]);
  });

  test('with a header or an orientation behind its pixels is shown as without', async () => {
    const source = await apng([{ width: 8, height: 6, colour: red }, corner]);
    const exif = Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0', 'latin1');
    const odd = withChunks(source, [
      [4, 'eXIf', exif],
      [4, 'IHDR', Buffer.alloc(0)],
      [4, 'IHDR', uint32s(100, 100)],
    ]);
    expect(await framesOf(odd)).toEqual(await framesOf(source));
  });

  test('only what has changed is written', async () => {
    const { data } = await upscaler.upscale(await apng([whole, { ...corner, x: 1, y: 2 }]), nearest);
    expect(readApng(data)!.frames[1]).toMatchObject({ x: 1, y: 2, width: 4, height: 4 });
  });

  test.each(['gif', 'webp'] as const)('comes of a moving %s', async (format) => {
    const source = await animation(12, 10, 3, (x, _, frame) => [frame * 80, 200, 0, x < frame * 4 ? 0 : 255])
      .toFormat(format, { delay: [40, 250, 1000], loop: 5, ...(format === 'webp' && { lossless: true }) })
      .toBuffer();
    const { data, frames } = await upscaler.upscale(source, { ...nearest, format: 'png' });
    expect(frames).toBe(3);
    expect(readApng(data)).toMatchObject({ loop: 5, frames: [{ delayMs: 40 }, { delayMs: 250 }, { delayMs: 1000 }] });
  });

  test.each(['jpeg', 'avif', 'tiff'] as const)('becomes a still %s, and the result says so', async (format) => {
    const result = await upscaler.upscale(await apng([whole, corner]), { ...nearest, format });
    expect(result.frames).toBe(1);
    expect(result.warnings).toEqual([expect.stringMatching(/^of its 2 frames only the first was used/)]);
  });

  test.each<[string, number, Promise<Buffer>]>([
    ['of one frame', 1, apng([whole])],
    ['with a frame that reaches beyond it', 1, apng([whole, { ...corner, x: 6 }])],
    ['with a frame out of its turn', 1, apng([whole, corner], { second: 5 })],
    ['that promises less than it has', 2, apng([whole, corner, corner], { promised: 2 })],
    ['that promises more than there can be', 1, apng([whole, corner], { promised: 2 ** 31 })],
    ['that promises none', 1, apng([whole, corner], { promised: 0 })],
    ['that promises more than it has', 2, apng([whole, corner], { promised: 3 })],
  ])('%s has frames as Chromium 156 counts them: %i', async (_, frames, making) => {
    const source = await making;
    expect(hasAnimation(source)).toBe(true);
    expect(await probe(source)).toMatchObject({ frames });
    expect(await upscaler.upscale(source, nearest)).toMatchObject({ frames });
  });

  test('of another program’s', async () => {
    const file = await readFile(new URL('files/anim3.png', import.meta.url));
    expect(await upscaler.upscale(file, { upscale: 2 })).toMatchObject({ format: 'png', frames: 3, width: 80 });
  });
});
