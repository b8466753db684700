import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePixels, decodePixels16, largestDifference, picture, picture16 } from './fixtures.js';
import { pngChunk, pngOf } from './png.js';
import { linearGreyProfile } from './profiles.js';
import { attachProfile } from '#src/image/codec/attach-profile.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const nearest = { model: 'nearest', upscale: 1 } as const;

const words = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
};
/** A PNG with chunks behind its header, and of its own only those that a PNG must have. */
function withChunks(png: Buffer, chunks: Readonly<Record<string, readonly number[] | Uint8Array>>): Buffer {
  const kept: Buffer[] = [png.subarray(0, 33)];
  for (const [name, content] of Object.entries(chunks)) kept.push(pngChunk(name, content));
  for (let at = 33; at < png.length;) {
    const end = at + 12 + png.readUInt32BE(at);
    if (/^(?:PLTE|tRNS|IDAT|IEND)$/.test(png.toString('latin1', at + 4, at + 8))) kept.push(png.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

const rgb = await picture(8, 8, 3, () => [200, 60, 80])
  .png()
  .toBuffer();
const translucent = await picture(8, 8, 4, () => [200, 60, 80, 128])
  .png()
  .toBuffer();
const palette = await picture(8, 8, 3, () => [200, 60, 80])
  .png({ palette: true })
  .toBuffer();
const wide = await picture16(8, 8, 3, () => [200 * 257, 60 * 257, 80 * 257])
  .png()
  .toBuffer();
const grey = await picture(8, 8, 1, () => [100])
  .png()
  .toBuffer();

const p3 = words(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000);
const srgb = words(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000);
const gamma = (value: number) => words(value);
const cicp = (primaries: number, transfer: number, matrix = 0, full = 1) => [primaries, transfer, matrix, full];

/** What Chromium 156 draws on a canvas. */
const drawn: readonly [string, Buffer, Readonly<Record<string, readonly number[] | Uint8Array>>, readonly number[]][] =
  [
    ['nothing', rgb, {}, [200, 60, 80]],
    ['gamma 1/2.2 alone', rgb, { gAMA: gamma(45455) }, [200, 60, 80]],
    ['gamma near to that', rgb, { gAMA: gamma(47000) }, [200, 60, 80]],
    ['gamma 0.43', rgb, { gAMA: gamma(43000) }, [199, 52, 73]],
    ['gamma 0.5', rgb, { gAMA: gamma(50000) }, [206, 67, 88]],
    ['linear gamma', rgb, { gAMA: gamma(100000) }, [229, 133, 152]],
    ['gamma 5', rgb, { gAMA: gamma(500000) }, [250, 224, 230]],
    ['gamma 0', rgb, { gAMA: gamma(0) }, [200, 60, 80]],
    ['the least gamma', rgb, { gAMA: gamma(1) }, [0, 0, 0]],
    ['P3 primaries alone', rgb, { cHRM: p3 }, [200, 60, 80]],
    ['P3 primaries and gamma', rgb, { cHRM: p3, gAMA: gamma(45455) }, [219, 37, 75]],
    ['sRGB’s primaries and gamma', rgb, { cHRM: srgb, gAMA: gamma(45455) }, [201, 57, 79]],
    ['primaries of nothing', rgb, { cHRM: words(0, 0, 0, 0, 0, 0, 0, 0), gAMA: gamma(45455) }, [200, 60, 80]],
    ['sRGB over gamma', rgb, { sRGB: [0], gAMA: gamma(100000), cHRM: p3 }, [200, 60, 80]],
    ['sRGB of no intent', rgb, { sRGB: [9], gAMA: gamma(100000) }, [229, 133, 152]],
    ['sRGB of nothing', rgb, { sRGB: [], gAMA: gamma(100000) }, [229, 133, 152]],
    ['a broken profile and gamma', rgb, { iCCP: [120, 0, 0, 1, 2, 3], gAMA: gamma(100000) }, [229, 133, 152]],
    ['cICP P3', rgb, { cICP: cicp(12, 13) }, [217, 42, 77]],
    ['cICP over sRGB', rgb, { cICP: cicp(12, 13), sRGB: [0] }, [217, 42, 77]],
    ['cICP linear', rgb, { cICP: cicp(1, 8) }, [229, 133, 152]],
    ['cICP of television', rgb, { cICP: cicp(12, 1) }, [215, 24, 66]],
    ['cICP xvYCC', rgb, { cICP: cicp(1, 11) }, [197, 49, 70]],
    ['cICP gamma 2.2', rgb, { cICP: cicp(12, 4) }, [219, 37, 75]],
    ['cICP gamma 2.8', rgb, { cICP: cicp(1, 5) }, [189, 36, 56]],
    ['cICP SMPTE 240M', rgb, { cICP: cicp(1, 7) }, [206, 77, 97]],
    ['cICP SMPTE 428', rgb, { cICP: cicp(1, 17) }, [200, 44, 65]],
    ['cICP BT.470M', rgb, { cICP: cicp(4, 13) }, [235, 52, 74]],
    ['cICP BT.470BG', rgb, { cICP: cicp(5, 13) }, [204, 60, 80]],
    ['cICP BT.601', rgb, { cICP: cicp(6, 13) }, [195, 66, 80]],
    ['cICP film', rgb, { cICP: cicp(8, 13) }, [226, 38, 76]],
    ['cICP BT.2020', rgb, { cICP: cicp(9, 13) }, [247, 0, 77]],
    ['cICP DCI-P3', rgb, { cICP: cicp(11, 13) }, [212, 42, 77]],
    ['cICP EBU 3213', rgb, { cICP: cicp(22, 13) }, [202, 67, 80]],
    ['cICP that specifies no curve', rgb, { cICP: cicp(12, 2) }, [200, 60, 80]],
    ['cICP that specifies no primaries', rgb, { cICP: cicp(2, 13) }, [200, 60, 80]],
    ['cICP of unknown codes', rgb, { cICP: cicp(99, 13) }, [200, 60, 80]],
    ['cICP of limited range', rgb, { cICP: cicp(12, 13, 0, 0) }, [200, 60, 80]],
    ['a palette with cICP', palette, { cICP: cicp(12, 13) }, [217, 42, 77]],
    ['a palette with gamma', palette, { gAMA: gamma(100000) }, [229, 133, 152]],
    ['16 bits with cICP', wide, { cICP: cicp(12, 13) }, [217, 42, 77]],
    ['16 bits with gamma', wide, { gAMA: gamma(100000) }, [229, 133, 152]],
    ['grey with gamma', grey, { gAMA: gamma(55556) }, [119, 119, 119]],
    ['grey with cICP', grey, { cICP: cicp(1, 8) }, [168, 168, 168]],
    ['grey with primaries', grey, { cHRM: p3, gAMA: gamma(45455) }, [100, 100, 100]],
  ];

describe('what a PNG says of its colours is shown as browsers show it', () => {
  test.for(drawn)('%s', async ([, png, chunks, expected]) => {
    const result = await upscaler.upscale(withChunks(png, chunks), nearest);
    const pixels = await decodePixels(result.data);
    const [red = 0, green = red, blue = red] = pixels.at(4, 4);
    expect(largestDifference([red, green, blue], expected)).toBeLessThanOrEqual(1);
    expect((await sharp(result.data).metadata()).hasProfile).toBe(false);
  });

  test.each([
    ['gAMA', gamma(100000), gamma(45455), [229, 133, 152]],
    ['cICP', cicp(12, 13), cicp(1, 8), [217, 42, 77]],
  ] as const)('of two %s, the first counts', async (name, first, second, expected) => {
    const bare = withChunks(rgb, {});
    const png = Buffer.concat([
      bare.subarray(0, 33),
      pngChunk(name, Buffer.from(first)),
      pngChunk(name, Buffer.from(second)),
      bare.subarray(33),
    ]);
    const { data } = await upscaler.upscale(png, nearest);
    expect(largestDifference((await decodePixels(data)).at(4, 4), expected)).toBeLessThanOrEqual(1);
  });

  test('cICP behind a palette is none', async () => {
    const at = palette.indexOf('IDAT') - 4;
    const png = Buffer.concat([palette.subarray(0, at), pngChunk('cICP', cicp(12, 13)), palette.subarray(at)]);
    const { data } = await upscaler.upscale(png, nearest);
    expect(largestDifference((await decodePixels(data)).at(4, 4), [200, 60, 80])).toBeLessThanOrEqual(1);
  });

  test('with alpha, which is no colour', async () => {
    const { data } = await upscaler.upscale(withChunks(translucent, { cICP: cicp(12, 13) }), nearest);
    expect(largestDifference((await decodePixels(data)).at(4, 4), [217, 42, 77, 128])).toBeLessThanOrEqual(1);
  });

  test('cICP counts for more than a profile, and a profile for more than gamma', async () => {
    const chunks = { gAMA: gamma(100000), cHRM: p3 };
    const plain = withChunks(grey, chunks);
    const profiled = await attachProfile(plain, linearGreyProfile);
    const linear = (await decodePixels((await upscaler.upscale(profiled, nearest)).data)).at(0, 0)[0]!;
    expect(linear).toBeGreaterThan(160);
    const coded = await attachProfile(withChunks(grey, { cICP: cicp(1, 13) }), linearGreyProfile);
    expect((await decodePixels((await upscaler.upscale(coded, nearest)).data)).at(0, 0)[0]).toBe(100);
  });

  test.each(['png', 'webp', 'jpeg', 'tiff', 'avif'] as const)(
    'kept, as a profile that says the same, in %s',
    async (format) => {
      const source = withChunks(rgb, { cICP: cicp(12, 13) });
      const { data } = await upscaler.upscale(source, {
        ...nearest,
        colour: 'keep',
        format,
        ...(format === 'png' || format === 'tiff' ? {} : { quality: 100 }),
      });
      const own = (await decodePixels(data, { ignoreIcc: true })).at(4, 4);
      expect(largestDifference(own, [200, 60, 80])).toBeLessThanOrEqual(2);
      expect(largestDifference((await decodePixels(data)).at(4, 4), [217, 42, 77])).toBeLessThanOrEqual(3);
    },
  );

  test.each([
    [16, 'PQ'],
    [18, 'HLG'],
  ])('high dynamic range is refused by name: %i', async (transfer, name) => {
    await expect(upscaler.upscale(withChunks(rgb, { cICP: cicp(9, transfer) }), nearest)).rejects.toMatchObject({
      code: 'UNSUPPORTED_FORMAT',
      message: expect.stringContaining(name) as string,
    });
  });
});

describe('such colours are converted exactly, whatever their samples', () => {
  /** IEC 61966-2-1, from light of 0 to 1. */
  const encoded = (light: number): number => (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055);
  /** Every 16th level and its neighbours: the dark ones are where a table of few entries goes wrong. */
  const level16 = (x: number, y: number): number => y * 4096 + x * 16 + (x % 3);

  test.each([
    ['grey', 1],
    ['grey with alpha', 2],
    ['RGB', 3],
    ['RGB with alpha', 4],
  ] as const)('16 bits of %s', async (_, channels) => {
    const value = (x: number, y: number): number[] =>
      Array.from({ length: channels }, (_, channel) =>
        channels % 2 === 0 && channel === channels - 1 ? 40_000 + x : (level16(x, y) + channel * 5000) % 65_536,
      );
    const source = withChunks(await picture16(256, 16, channels, value).png().toBuffer(), { gAMA: gamma(100000) });
    const { data } = await upscaler.upscale(source, nearest);
    const pixels = await decodePixels16(data);
    expect(pixels.channels).toBe(channels);
    const off: number[] = [];
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 256; x++) {
        value(x, y).forEach((own, channel) => {
          const isAlpha = channels % 2 === 0 && channel === channels - 1;
          const wanted = isAlpha ? own : Math.round(65_535 * encoded(own / 65_535));
          off.push(Math.abs(pixels.data[(y * 256 + x) * channels + channel]! - wanted));
        });
      }
    }
    expect(Math.max(...off)).toBe(0);
  });

  test.each([
    ['grey', 1],
    ['grey with alpha', 2],
    ['RGB', 3],
    ['RGB with alpha', 4],
  ] as const)('8 bits of %s', async (_, channels) => {
    const value = (x: number): number[] =>
      Array.from({ length: channels }, (_, channel) =>
        channels % 2 === 0 && channel === channels - 1 ? 255 - (x >> 1) : (x + channel * 50) % 256,
      );
    const source = withChunks(await picture(256, 2, channels, value).png().toBuffer(), { gAMA: gamma(100000) });
    const pixels = await decodePixels(
      (await upscaler.upscale(source, { ...nearest, format: 'webp', lossless: true })).data,
    );
    for (let x = 0; x < 256; x++) {
      const own = value(x);
      const alpha = channels % 2 === 0 ? own.pop() : undefined;
      const rgb = own.map((level) => Math.round(255 * encoded(level / 255)));
      const wanted = rgb.length === 1 ? [rgb[0]!, rgb[0]!, rgb[0]!] : rgb;
      expect(pixels.at(x, 0)).toEqual(alpha === undefined ? wanted : [...wanted, alpha]);
    }
  });

  test.each([
    ['opaque', undefined],
    ['with transparent colours', Array.from({ length: 100 }, (_, index) => 2 * index)],
  ])('a palette, %s', async (_, alphas) => {
    const colours = Array.from({ length: 256 }, (_, index) => [index, (index * 7) % 256, 255 - index]);
    const source = pngOf(256, 2, 8, 3, (x) => x, {
      gAMA: [...gamma(100000)],
      PLTE: colours.flat(),
      ...(alphas && { tRNS: alphas }),
    });
    const pixels = await decodePixels((await upscaler.upscale(source, nearest)).data);
    for (let x = 0; x < 256; x++) {
      const seen = pixels.at(x, 0);
      const alpha = alphas?.[x] ?? 255;
      expect(seen[3] ?? 255).toBe(alpha);
      if (alpha > 0)
        expect(seen.slice(0, 3)).toEqual(colours[x]!.map((level) => Math.round(255 * encoded(level / 255))));
    }
  });

  test('primaries of 16 bits, by the matrix that CSS Color 4 has for P3', async () => {
    const value = (x: number, y: number): number[] => [x * 257, (255 - x) * 200, y * 4000];
    const source = withChunks(await picture16(256, 16, 3, value).png().toBuffer(), { cICP: cicp(12, 13) });
    const pixels = await decodePixels16((await upscaler.upscale(source, nearest)).data);
    // lin_P3_to_XYZ and XYZ_to_lin_sRGB of its section 18, multiplied.
    const matrix = [
      [1.2249401762805598, -0.22494017628055996, 0],
      [-0.042056954709688163, 1.0420569547096881, 0],
      [-0.019637554590334432, -0.078636045550631889, 1.0982736001409663],
    ];
    const lightOf = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    let worst = 0;
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 256; x++) {
        const light = value(x, y).map((level) => lightOf(level / 65_535));
        matrix.forEach((row, channel) => {
          const mixed = row.reduce((sum, share, index) => sum + share * light[index]!, 0);
          const wanted = 65_535 * encoded(Math.min(1, Math.max(0, mixed)));
          worst = Math.max(worst, Math.abs(pixels.data[(y * 256 + x) * 3 + channel]! - wanted));
        });
      }
    }
    // Chromaticities of six digits, where the constants have seventeen.
    expect(worst).toBeLessThan(65_535 / 255 / 10);
  });
});

/** An AVIF of libavif's, red on the left and green on the right, with other codes for its colours; as Chromium 156 shows it. */
const avifs: readonly [primaries: number, transfer: number, red: readonly number[], green: readonly number[]][] = [
  [1, 13, [199, 60, 50], [59, 190, 80]],
  [1, 1, [199, 60, 50], [59, 190, 80]],
  [2, 2, [199, 60, 50], [59, 190, 80]],
  [99, 13, [199, 60, 50], [59, 190, 80]],
  [1, 99, [199, 60, 50], [59, 190, 80]],
  [1, 4, [200, 57, 46], [56, 191, 79]],
  [1, 5, [187, 36, 26], [35, 177, 56]],
  [1, 7, [205, 77, 68], [77, 197, 97]],
  [1, 8, [229, 133, 122], [132, 224, 152]],
  [1, 17, [199, 44, 34], [43, 189, 65]],
  [4, 13, [235, 49, 35], [0, 187, 70]],
  [5, 13, [203, 60, 50], [42, 190, 82]],
  [6, 13, [194, 66, 49], [74, 187, 79]],
  [7, 6, [194, 66, 49], [74, 187, 79]],
  [8, 13, [225, 39, 38], [0, 195, 66]],
  [9, 14, [246, 0, 40], [0, 200, 54]],
  [11, 13, [211, 42, 40], [0, 193, 61]],
  [12, 1, [216, 42, 39], [0, 193, 61]],
  [12, 2, [216, 42, 39], [0, 193, 61]],
  [12, 15, [216, 42, 39], [0, 193, 61]],
  [22, 13, [201, 66, 49], [49, 186, 80]],
];
const halves = await readFile(new URL('files/nclx-srgb.avif', import.meta.url));

function withCodes(primaries: number, transfer: number): Buffer {
  const coded = Buffer.from(halves);
  const at = coded.indexOf('nclx');
  expect(at).toBeGreaterThan(0);
  coded.writeUInt16BE(primaries, at + 4);
  coded.writeUInt16BE(transfer, at + 6);
  return coded;
}

/** The same, with codes in the picture's own data (AV1's sequence header) and none in the file around it. */
function withInnerCodes(primaries: number, transfer: number): Buffer {
  const coded = Buffer.from(halves);
  coded.write('skip', coded.indexOf('colr'), 'latin1');
  const start = coded.indexOf('mdat') + 4;
  const bits = [...coded.subarray(start)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const eight = (...codes: number[]): string => codes.map((code) => code.toString(2).padStart(8, '0')).join('');
  const at = bits.indexOf(eight(1, 13));
  expect(at).toBeGreaterThan(0);
  const changed = bits.slice(0, at) + eight(primaries, transfer) + bits.slice(at + 16);
  for (let byte = 0; byte < changed.length / 8; byte++)
    coded[start + byte] = parseInt(changed.slice(8 * byte, 8 * byte + 8), 2);
  return coded;
}

describe('what an AVIF says of its colours is shown as browsers show it', () => {
  test.for(avifs)('primaries %i, transfer %i', async ([primaries, transfer, red, green]) => {
    const { data } = await upscaler.upscale(withCodes(primaries, transfer), { ...nearest, format: 'png' });
    const pixels = await decodePixels(data);
    expect(largestDifference(pixels.at(6, 6), red)).toBeLessThanOrEqual(2);
    expect(largestDifference(pixels.at(58, 6), green)).toBeLessThanOrEqual(2);
  });

  test.each([
    [1, 13],
    [1, 8],
    [12, 1],
    [9, 14],
    [2, 2],
  ])('in its own data alone: primaries %i, transfer %i', async (primaries, transfer) => {
    const [, , red, green] = avifs.find(([one, other]) => one === primaries && other === transfer)!;
    const { data } = await upscaler.upscale(withInnerCodes(primaries, transfer), { ...nearest, format: 'png' });
    const pixels = await decodePixels(data);
    expect(largestDifference(pixels.at(6, 6), red)).toBeLessThanOrEqual(2);
    expect(largestDifference(pixels.at(58, 6), green)).toBeLessThanOrEqual(2);
  });

  test('the file around it counts for more than its own data, also where it specifies nothing', async () => {
    const both = withInnerCodes(12, 13);
    both.write('colr', both.indexOf('skip'), 'latin1');
    both.writeUInt16BE(2, both.indexOf('nclx') + 4);
    both.writeUInt16BE(2, both.indexOf('nclx') + 6);
    const pixels = await decodePixels((await upscaler.upscale(both, { ...nearest, format: 'png' })).data);
    expect(largestDifference(pixels.at(6, 6), [199, 60, 50])).toBeLessThanOrEqual(2);
  });

  const tv = (name: string): Promise<Buffer> => readFile(new URL(`files/${name}`, import.meta.url));

  /** How dark and how bright a grey one is as a PNG. */
  const bounds = async (avif: Buffer): Promise<readonly number[]> => {
    const { data } = await upscaler.upscale(avif, { ...nearest, format: 'png' });
    const { data: values } = await decodePixels16(data);
    return [
      values.reduce((least, value) => Math.min(least, value)),
      values.reduce((most, value) => Math.max(most, value)),
    ];
  };

  test('so does what it says of the range of grey', async () => {
    const full = await tv('grey-limited.avif');
    full.writeUInt8(0x80, full.indexOf('nclx') + 10);
    expect((await bounds(full)).map((value) => value >> 8)).toEqual([16, 235]);
  });

  test.each(['grey-limited.avif', 'grey-limited-10.avif'])(
    'black and white of limited range are all of it: %s',
    async (name) => {
      expect(await bounds(await tv(name))).toEqual([0, 65_535]);
    },
  );

  test.each([16, 18])('high dynamic range is refused in its own data, too: %i', async (transfer) => {
    await expect(upscaler.upscale(withInnerCodes(9, transfer), nearest)).rejects.toMatchObject({
      code: 'UNSUPPORTED_FORMAT',
    });
  });

  test.each([16, 18])('high dynamic range is refused: %i', async (transfer) => {
    await expect(upscaler.upscale(withCodes(9, transfer), nearest)).rejects.toMatchObject({
      code: 'UNSUPPORTED_FORMAT',
    });
  });
});
