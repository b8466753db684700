import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { probe } from '#src/image/codec/probe.js';
import { decodePixels, doubled, picture } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const nearest = { model: 'nearest' } as const;

describe('orientation', () => {
  // Four colours in the corners tell all eight orientations apart.
  const corners = picture(16, 8, 3, (x, y) =>
    y < 4 ? (x < 8 ? [250, 0, 0] : [0, 250, 0]) : x < 8 ? [0, 0, 250] : [250, 250, 0],
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('%d is applied to the pixels and left out of the result', async (orientation) => {
    const source = await corners.clone().withMetadata({ orientation }).tiff({ compression: 'lzw' }).toBuffer();
    const turned = orientation >= 5;
    expect(await probe(source)).toMatchObject(turned ? { width: 8, height: 16 } : { width: 16, height: 8 });
    const result = await upscaler.upscale(source, { ...nearest, format: 'png' });
    expect(result).toMatchObject(turned ? { width: 16, height: 32 } : { width: 32, height: 16 });
    const upright = await sharp(source).autoOrient().raw().toBuffer();
    expect([...(await decodePixels(result.data)).data]).toEqual(doubled(upright, turned ? 8 : 16, 3));
    expect((await sharp(result.data).metadata()).orientation).toBeUndefined();
  });

  test('a JPEG from a camera', async () => {
    const source = await corners.clone().withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();
    const { data, width, height } = await upscaler.upscale(source, { ...nearest, width: 16 });
    expect([width, height]).toEqual([16, 32]);
    const pixels = await decodePixels(data);
    // Turned clockwise by a quarter, the lower left corner (blue) is at the upper left.
    expect(pixels.at(2, 2)[2]).toBeGreaterThan(200);
    expect(pixels.at(13, 2)[0]).toBeGreaterThan(200);
  });
});
