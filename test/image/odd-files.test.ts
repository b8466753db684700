import { readFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { reasonOf } from '#src/image/codec/codec-error.js';
import { soundProfile } from '#src/image/codec/sound-profile.js';
import { decodePixels, largestDifference, picture } from './fixtures.js';
import { pngChunk } from './png.js';
import { adobeRgbProfile } from './profiles.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const nearest = { model: 'nearest', upscale: 1 } as const;
const file = (name: string): Promise<Buffer> => readFile(new URL(`files/${name}`, import.meta.url));

describe('a JPEG with flaws that browsers overlook is shown, and the result tells of it', () => {
  /** Chromium 156's corners of all of them. */
  const corners = [
    [9, 6, [18, 17, 119]],
    [86, 6, [174, 19, 123]],
    [9, 57, [18, 170, 119]],
  ] as const;

  test.each([
    ['jpeg-good.jpg', undefined],
    ['jpeg-adobe2.jpg', undefined],
    ['jpeg-trailing.jpg', undefined],
    ['jpeg-samsung-sos.jpg', /Invalid SOS parameters/],
    ['jpeg-stray-bytes.jpg', /extraneous bytes/],
  ])('%s', async (name, warning) => {
    const { data, warnings } = await upscaler.upscale(await file(name), { ...nearest, format: 'png' });
    if (warning === undefined) expect(warnings).toBeUndefined();
    else expect(warnings).toEqual([expect.stringMatching(warning)]);
    const pixels = await decodePixels(data);
    for (const [x, y, expected] of corners) expect(largestDifference(pixels.at(x, y), expected)).toBeLessThanOrEqual(2);
  });

  test('the same file again, for another size, tells it again', async () => {
    const source = await file('jpeg-stray-bytes.jpg');
    for (const upscale of [1, 2]) {
      expect((await upscaler.upscale(source, { model: 'nearest', upscale })).warnings).toHaveLength(1);
    }
  });

  test('one that is cut short is refused, wherever it is cut', async () => {
    const whole = await file('jpeg-good.jpg');
    await expect(upscaler.upscale(await file('jpeg-no-eoi.jpg'), nearest)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
    });
    for (const share of [0.3, 0.6, 0.8, 0.95]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      await expect(upscaler.upscale(cut, nearest), `${share}`).rejects.toMatchObject({ code: 'INPUT_CORRUPT' });
    }
  });
});

describe('profiles', () => {
  test.each(['jpeg', 'png', 'webp', 'avif', 'tiff'] as const)(
    'with their intent’s bytes swapped are kept in %s',
    async (format) => {
      const { data } = await upscaler.upscale(await file('icc-adobe-swapped-intent.jpg'), {
        ...nearest,
        format,
        colour: 'keep',
      });
      const { icc } = await sharp(data).metadata();
      expect(icc?.readUInt32BE(64)).toBe(1);
    },
  );

  const changed = (change: (icc: Buffer) => void): Buffer => {
    const icc = Buffer.from(adobeRgbProfile);
    change(icc);
    return icc;
  };

  test.each<[string, Buffer, number | undefined]>([
    ['a sound one', Buffer.from(adobeRgbProfile), 0],
    ['an intent that is none', changed((icc) => icc.writeUInt32BE(77, 64)), 0],
    ['an intent with its bytes swapped', changed((icc) => icc.writeUInt32LE(3, 64)), 3],
    ['bytes behind its end', Buffer.concat([adobeRgbProfile, Buffer.alloc(7)]), 0],
    ['a length beyond its end', changed((icc) => icc.writeUInt32BE(icc.length + 1, 0)), undefined],
    ['no signature', changed((icc) => icc.fill(0, 36, 40)), undefined],
    ['for other channels', changed((icc) => icc.write('GRAY', 16, 'latin1')), undefined],
    ['nothing', Buffer.alloc(0), undefined],
  ])('%s', (_, icc, intent) => {
    const sound = soundProfile(icc, 'srgb');
    const read = sound && new DataView(sound.buffer, sound.byteOffset).getUint32(64);
    expect(read).toBe(intent);
    if (sound) expect(sound.length).toBe(adobeRgbProfile.length);
  });
});

describe('inks without a profile', () => {
  /** Of C, M, Y, K; what Chromium 156 shows. */
  const inks: readonly [readonly [number, number, number, number], readonly number[]][] = [
    [
      [0, 0, 0, 0],
      [255, 255, 255],
    ],
    [
      [255, 0, 0, 0],
      [0, 255, 255],
    ],
    [
      [0, 255, 0, 0],
      [255, 0, 255],
    ],
    [
      [0, 0, 255, 0],
      [255, 255, 0],
    ],
    [
      [0, 0, 0, 255],
      [0, 0, 0],
    ],
    [
      [100, 50, 20, 30],
      [136, 180, 207],
    ],
    [
      [200, 180, 160, 100],
      [33, 45, 57],
    ],
    [
      [30, 30, 30, 200],
      [48, 48, 48],
    ],
  ];

  test('are shown as browsers show them', async () => {
    for (const [cmyk, expected] of inks) {
      const { data } = await upscaler.upscale(cmykTiff(16, cmyk), { ...nearest, format: 'png' });
      // What is grey everywhere is written as grey.
      const [red = 0, green = red, blue = red] = (await decodePixels(data)).at(8, 8);
      expect([red, green, blue]).toEqual(expected);
    }
  });
});

/** An uncompressed TIFF of four inks (TIFF 6.0, section 16). */
function cmykTiff(side: number, cmyk: readonly number[]): Buffer {
  return tiff(
    [side, side],
    { 258: 8, 259: 1, 262: 5, 277: 4 },
    Buffer.from(Array.from({ length: side * side }, () => cmyk).flat()),
  );
}

function tiff(
  [width, height]: readonly [number, number],
  tags: Readonly<Record<number, number>>,
  data: Buffer,
): Buffer {
  const all: Record<number, number> = { 256: width, 257: height, 277: 1, 278: height, 279: data.length, ...tags };
  const offset = 8 + 2 + (Object.keys(all).length + 1) * 12 + 4;
  const entries = Object.entries({ ...all, 273: offset }).sort(([a], [b]) => Number(a) - Number(b));
  const directory = Buffer.alloc(offset - 8);
  directory.writeUInt16LE(entries.length, 0);
  entries.forEach(([tag, value], index) => {
    const at = 2 + index * 12;
    directory.writeUInt16LE(Number(tag), at);
    directory.writeUInt16LE(4, at + 2);
    directory.writeUInt32LE(1, at + 4);
    directory.writeUInt32LE(value, at + 8);
  });
  return Buffer.concat([Buffer.from('II*\0\x08\0\0\0', 'latin1'), directory, data]);
}

/** A JPEG with another kind of frame. */
async function jpegOf(marker: number, bits = 8): Promise<Buffer> {
  const jpeg = await picture(16, 16, 3, () => [9, 99, 199])
    .jpeg({ mozjpeg: false, progressive: false })
    .toBuffer();
  const at = jpeg.indexOf(Uint8Array.of(0xff, 0xc0));
  jpeg[at + 1] = marker;
  jpeg[at + 4] = bits;
  return jpeg;
}

describe('what is not read is called by its name, and not damaged', () => {
  const grey = Buffer.alloc(64, 99);
  const cgbi = Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('CgBI', [0x50, 0, 0x20, 2]),
    pngChunk('IHDR', [0, 0, 0, 8, 0, 0, 0, 8, 8, 6, 0, 0, 0]),
    pngChunk('IDAT', deflateSync(Buffer.alloc(8 * 33))),
    pngChunk('IEND', []),
  ]);

  test.each<[string, Buffer | Promise<Buffer>, RegExp]>([
    ['old-style JPEG', tiff([8, 8], { 258: 8, 259: 6, 262: 1 }, grey), /old-style JPEG/],
    ['LZMA', tiff([8, 8], { 258: 8, 259: 34925, 262: 1 }, grey), /LZMA/],
    ['Zstandard', tiff([8, 8], { 258: 8, 259: 50000, 262: 1 }, grey), /Zstandard/],
    ['JPEG 2000', tiff([8, 8], { 258: 8, 259: 34712, 262: 1 }, grey), /JPEG 2000/],
    ['three bits', tiff([8, 8], { 258: 3, 259: 1, 262: 1 }, grey), /3 bits a sample/],
    ['twelve bits', tiff([4, 4], { 258: 12, 259: 1, 262: 1 }, grey), /12 bits a sample/],
    ['Lab of eight bits', tiff([4, 4], { 258: 8, 259: 1, 262: 8, 277: 3 }, grey.subarray(0, 48)), /CIELab/],
    ['a raw photograph', tiff([8, 8], { 258: 8, 259: 1, 262: 32803 }, grey), /raw sensor values/],
    ['floating point', tiff([4, 4], { 258: 32, 259: 1, 262: 1, 339: 3 }, grey), /float/],
    [
      'tiles of each colour',
      tiff([4, 4], { 258: 8, 259: 1, 262: 2, 277: 3, 284: 2, 322: 16, 323: 16 }, grey.subarray(0, 48)),
      /tiles of each colour/,
    ],
    ['a lossless JPEG', jpegOf(0xc3), /lossless JPEG/],
    ['a hierarchical JPEG', jpegOf(0xc5), /hierarchical JPEG/],
    ['a JPEG of twelve bits', jpegOf(0xc0, 12), /12 bits a sample/],
    ['a PNG for iPhones', cgbi, /CgBI/],
  ])('%s', async (_, bytes, message) => {
    await expect(upscaler.upscale(await bytes, nearest)).rejects.toMatchObject({
      code: 'UNSUPPORTED_FORMAT',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('containers', () => {
  test('an animated AVIF is the still that it begins with, and the result says so', async () => {
    const result = await upscaler.upscale(await file('animated.avif'), nearest);
    expect(result).toMatchObject({ format: 'avif', width: 48, height: 32, frames: 1 });
    expect(result.warnings).toEqual(['of its 3 frames only the first was used: animated AVIF is not read']);
    expect(largestDifference((await decodePixels(result.data)).at(20, 20), [255, 0, 0])).toBeLessThanOrEqual(3);
  });

  test.each(['gif', 'webp', 'png'] as const)(
    'a GIF that repeats as often as it can becomes a %s that does',
    async (format) => {
      const { data } = await upscaler.upscale(await file('loop-65535.gif'), { ...nearest, format });
      if (format !== 'png') expect((await sharp(data, { animated: true }).metadata()).loop).toBe(65_535);
      else
        expect(Buffer.from(data).includes(Buffer.of(0x61, 0x63, 0x54, 0x4c, 0, 0, 0, 3, 0, 0, 0xff, 0xff))).toBe(true);
    },
  );

  test.each(['avif', 'mif1', 'miaf', 'MA1B'])('an AVIF is one whatever its first brand: %s', async (brand) => {
    const source = await picture(16, 16, 3, () => [200, 60, 50])
      .avif({ lossless: true })
      .toBuffer();
    source.write(brand, 8, 'latin1');
    const { data } = await upscaler.upscale(source, { ...nearest, format: 'png' });
    expect(largestDifference((await decodePixels(data)).at(8, 8), [200, 60, 50])).toBeLessThanOrEqual(2);
  });

  test('colours that an AVIF stores multiplied by alpha are divided by it', async () => {
    const { data } = await upscaler.upscale(await file('premultiplied.avif'), { ...nearest, format: 'png' });
    const pixels = await decodePixels(data);
    // Chromium 156's, of 200, 60, 50 and 230, 220, 40 under half of the light.
    for (const [x, y, expected] of [
      [19, 14, [200, 59, 51, 130]],
      [44, 33, [228, 218, 41, 130]],
      [57, 43, [230, 219, 40, 255]],
    ] as const)
      expect(largestDifference(pixels.at(x, y), expected)).toBeLessThanOrEqual(4);
  });

  test('what no frame of a GIF covers is transparent, as in browsers', async () => {
    const { data } = await upscaler.upscale(await file('gif-dispose-bg.gif'), {
      ...nearest,
      format: 'webp',
      quality: 100,
    });
    const pixels = await decodePixels(data, { animated: true });
    expect(largestDifference(pixels.at(1, 1), [255, 0, 0, 255])).toBeLessThanOrEqual(3);
    expect(pixels.at(1, 21)[3]).toBe(0);
    expect(pixels.at(10, 30)[3]).toBe(255);
    expect(pixels.at(19, 39)[3]).toBe(0);
  });

  test.each([
    ['jpeg', true],
    ['png', true],
    ['avif', true],
    ['tiff', true],
    ['webp', false],
  ] as const)('EXIF’s orientation of a %s is followed as browsers do: %s', async (format, turned) => {
    const source = await picture(40, 20, 3, () => [200, 100, 50])
      .withMetadata({ orientation: 6 })
      .toFormat(format)
      .toBuffer();
    const { width, height } = await upscaler.upscale(source, nearest);
    expect([width, height]).toEqual(turned ? [20, 40] : [40, 20]);
  });

  /** Upper left, upper right, lower left, lower right, as Chromium 156 shows them. */
  const [red, lime, blue, yellow] = [
    [251, 0, 1],
    [0, 251, 0],
    [1, 0, 250],
    [249, 250, 0],
  ] as const;
  test.each([
    [2, [lime, red, yellow, blue]],
    [3, [yellow, blue, lime, red]],
    [4, [blue, yellow, red, lime]],
    [5, [red, blue, lime, yellow]],
    [6, [blue, red, yellow, lime]],
    [7, [yellow, lime, blue, red]],
    [8, [lime, yellow, red, blue]],
  ] as const)('a turned AVIF of odd sides has its colours up to its edges: %i', async (orientation, corners) => {
    const quadrants = picture(31, 21, 3, (x, y) =>
      y < 10 ? (x < 16 ? [250, 0, 0] : [0, 250, 0]) : x < 16 ? [0, 0, 250] : [250, 250, 0],
    );
    const source = await quadrants
      .withMetadata({ orientation })
      .avif({ quality: 100, chromaSubsampling: '4:2:0' })
      .toBuffer();
    expect(source.includes('irot') || source.includes('imir')).toBe(true);
    // Under a brand that the decoder does not know, too.
    if (orientation % 2 === 0) source.write('miaf', 8, 'latin1');
    const pixels = await decodePixels((await upscaler.upscale(source, { ...nearest, format: 'png' })).data);
    const [right, bottom] = orientation >= 5 ? [20, 30] : [30, 20];
    expect([pixels.width - 1, pixels.height - 1]).toEqual([right, bottom]);
    const places = [
      [0, 0],
      [right, 0],
      [0, bottom],
      [right, bottom],
    ] as const;
    places.forEach(([x, y], index) => {
      expect(largestDifference(pixels.at(x, y), corners[index]!)).toBeLessThanOrEqual(2);
    });
  });

  test.each(['irot', 'imir'])(
    'a turn (%s) that is in the file, but is not the picture’s, turns nothing',
    async (name) => {
      const source = await picture(30, 20, 3, (x) => [x * 8, 100, 40])
        .withMetadata({ orientation: name === 'irot' ? 6 : 2 })
        .avif({ lossless: true })
        .toBuffer();
      const unturned = await decodePixels(
        (await upscaler.upscale(withoutAssociation(source, name), { ...nearest, format: 'png' })).data,
      );
      expect([unturned.width, unturned.height, unturned.at(0, 0)[0]! < unturned.at(29, 0)[0]!]).toEqual([30, 20, true]);
      const turned = await decodePixels((await upscaler.upscale(source, { ...nearest, format: 'png' })).data);
      expect([turned.width, turned.at(0, 0)[0]! < turned.at(19, 0)[0]!]).toEqual(
        name === 'irot' ? [20, false] : [30, false],
      );
    },
  );

  test('an AVIF that EXIF turns without a box that says so is turned, too', async () => {
    const { width, height } = await upscaler.upscale(await file('avif-exif6-noirot.avif'), nearest);
    expect([width, height]).toEqual([30, 60]);
  });
});

/** The file with the property left where it is, and nothing that has it. For files of one item, of few properties. */
function withoutAssociation(file: Buffer, name: string): Buffer {
  const edited = Buffer.from(file);
  const names: string[] = [];
  const container = edited.indexOf('ipco', 0, 'latin1');
  const end = container - 4 + edited.readUInt32BE(container - 4);
  for (let at = container + 4; at < end; at += edited.readUInt32BE(at))
    names.push(edited.toString('latin1', at + 4, at + 8));
  const associations = edited.indexOf('ipma', 0, 'latin1') + 4 + 4 + 4 + 2;
  const count = edited[associations]!;
  for (let at = associations + 1; at <= associations + count; at++) {
    if (names[(edited[at]! & 0x7f) - 1] === name) edited[at] = 0;
  }
  return edited;
}

test('a reason is taken from the lines of the format’s own loader', () => {
  const all = new Error(
    'webp2vips: bad WebP\nVipsJpeg: premature end of JPEG image\npngload: chunk too long\nsource: bad seek',
  );
  expect(reasonOf(all, 'jpeg')).toBe('VipsJpeg: premature end of JPEG image');
  expect(reasonOf(all, 'png')).toBe('pngload: chunk too long');
  expect(reasonOf(all, 'webp')).toBe('webp2vips: bad WebP');
  expect(reasonOf(all, 'tiff')).toBe('');
  expect(reasonOf(new Error('Input buffer contains unsupported image format'), 'avif')).toBe(
    'Input buffer contains unsupported image format',
  );
});
