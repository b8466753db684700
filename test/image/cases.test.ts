import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePixels, largestDifference } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

// Files that once came out wrong, and those like them: each is shown as a browser shows it, and is of the class that it was.

const { upscaler } = useUpscaler();
const folder = fileURLToPath(new URL('files', import.meta.url));
const bytesOf = (name: string): Buffer => readFileSync(join(folder, name));

type Place = readonly [x: number, y: number, colour: readonly number[]];

/** Sizes, and colours at some places (red, green, blue, alpha), as Chromium 156 draws them on a canvas; of animations the first frame. */
const drawn: [name: string, width: number, height: number, places: Place[]][] = [
  [
    'alpha-step.png',
    40,
    24,
    [
      [8, 4, [20, 40, 91, 90]],
      [20, 12, [255, 255, 255, 255]],
      [32, 18, [255, 255, 255, 255]],
    ],
  ],
  [
    'anim3.png',
    40,
    40,
    [
      [8, 8, [255, 0, 0, 255]],
      [20, 20, [255, 0, 0, 255]],
      [32, 30, [255, 0, 0, 255]],
    ],
  ],
  [
    'animated.avif',
    48,
    32,
    [
      [9, 6, [255, 0, 0, 255]],
      [24, 16, [255, 0, 0, 255]],
      [38, 24, [255, 0, 0, 255]],
    ],
  ],
  [
    'avif-exif6-noirot.avif',
    30,
    60,
    [
      [6, 12, [255, 255, 255, 255]],
      [15, 30, [255, 255, 255, 255]],
      [24, 45, [255, 255, 255, 255]],
    ],
  ],
  [
    'bilevelchart.png',
    360,
    252,
    [
      [72, 50, [255, 255, 255, 255]],
      [180, 126, [255, 255, 255, 255]],
      [288, 189, [255, 255, 255, 255]],
    ],
  ],
  [
    'flat.png',
    400,
    200,
    [
      [80, 40, [11, 107, 203, 255]],
      [200, 100, [11, 107, 203, 255]],
      [320, 150, [11, 107, 203, 255]],
    ],
  ],
  [
    'gif-dispose-bg.gif',
    20,
    20,
    [
      [4, 4, [255, 0, 0, 255]],
      [10, 10, [255, 0, 0, 255]],
      [16, 15, [255, 0, 0, 255]],
    ],
  ],
  [
    'icc-adobe-ok.jpg',
    64,
    32,
    [
      [12, 6, [233, 57, 46, 255]],
      [32, 16, [57, 169, 74, 255]],
      [51, 24, [0, 191, 70, 255]],
    ],
  ],
  [
    'icc-adobe-ok.png',
    64,
    32,
    [
      [12, 6, [231, 57, 46, 255]],
      [32, 16, [0, 191, 69, 255]],
      [51, 24, [0, 191, 69, 255]],
    ],
  ],
  [
    'icc-adobe-swapped-intent.jpg',
    64,
    32,
    [
      [12, 6, [233, 57, 46, 255]],
      [32, 16, [57, 169, 74, 255]],
      [51, 24, [0, 191, 70, 255]],
    ],
  ],
  [
    'jpeg-adobe2.jpg',
    96,
    64,
    [
      [19, 12, [38, 36, 119, 255]],
      [48, 32, [96, 97, 118, 255]],
      [76, 48, [152, 145, 119, 255]],
    ],
  ],
  [
    'jpeg-good.jpg',
    96,
    64,
    [
      [19, 12, [38, 36, 119, 255]],
      [48, 32, [96, 97, 118, 255]],
      [76, 48, [152, 145, 119, 255]],
    ],
  ],
  [
    'jpeg-samsung-sos.jpg',
    96,
    64,
    [
      [19, 12, [38, 36, 119, 255]],
      [48, 32, [96, 97, 118, 255]],
      [76, 48, [152, 145, 119, 255]],
    ],
  ],
  [
    'jpeg-stray-bytes.jpg',
    96,
    64,
    [
      [19, 12, [38, 36, 119, 255]],
      [48, 32, [96, 97, 118, 255]],
      [76, 48, [152, 145, 119, 255]],
    ],
  ],
  [
    'jpeg-trailing.jpg',
    96,
    64,
    [
      [19, 12, [38, 36, 119, 255]],
      [48, 32, [96, 97, 118, 255]],
      [76, 48, [152, 145, 119, 255]],
    ],
  ],
  [
    'logo-lossless.webp',
    240,
    80,
    [
      [48, 16, [228, 0, 43, 255]],
      [120, 40, [255, 255, 255, 255]],
      [192, 60, [255, 255, 255, 255]],
    ],
  ],
  [
    'logo.png',
    220,
    64,
    [
      [44, 12, [0, 0, 0, 0]],
      [110, 32, [26, 30, 36, 129]],
      [176, 48, [0, 0, 0, 0]],
    ],
  ],
  [
    'logopal.png',
    220,
    64,
    [
      [44, 12, [0, 0, 0, 0]],
      [110, 32, [26, 30, 36, 129]],
      [176, 48, [0, 0, 0, 0]],
    ],
  ],
  [
    'loop-0.gif',
    16,
    16,
    [
      [3, 3, [255, 0, 0, 255]],
      [8, 8, [255, 0, 0, 255]],
      [12, 12, [255, 0, 0, 255]],
    ],
  ],
  [
    'loop-1.gif',
    16,
    16,
    [
      [3, 3, [255, 0, 0, 255]],
      [8, 8, [255, 0, 0, 255]],
      [12, 12, [255, 0, 0, 255]],
    ],
  ],
  [
    'loop-2.gif',
    16,
    16,
    [
      [3, 3, [255, 0, 0, 255]],
      [8, 8, [255, 0, 0, 255]],
      [12, 12, [255, 0, 0, 255]],
    ],
  ],
  [
    'loop-3.gif',
    16,
    16,
    [
      [3, 3, [255, 0, 0, 255]],
      [8, 8, [255, 0, 0, 255]],
      [12, 12, [255, 0, 0, 255]],
    ],
  ],
  [
    'loop-65534.gif',
    16,
    16,
    [
      [3, 3, [255, 0, 0, 255]],
      [8, 8, [255, 0, 0, 255]],
      [12, 12, [255, 0, 0, 255]],
    ],
  ],
  [
    'loop-65535.gif',
    16,
    16,
    [
      [3, 3, [255, 0, 0, 255]],
      [8, 8, [255, 0, 0, 255]],
      [12, 12, [255, 0, 0, 255]],
    ],
  ],
  [
    'loop-None.gif',
    16,
    16,
    [
      [3, 3, [255, 0, 0, 255]],
      [8, 8, [255, 0, 0, 255]],
      [12, 12, [255, 0, 0, 255]],
    ],
  ],
  [
    'lucide-bar-chart-3-24.png',
    24,
    24,
    [
      [4, 4, [0, 0, 0, 0]],
      [12, 12, [34, 34, 34, 255]],
      [19, 18, [0, 0, 0, 0]],
    ],
  ],
  [
    'lucide-calendar-24.png',
    24,
    24,
    [
      [4, 4, [35, 35, 35, 58]],
      [12, 12, [0, 0, 0, 0]],
      [19, 18, [0, 0, 0, 0]],
    ],
  ],
  [
    'lucide-house-24.png',
    24,
    24,
    [
      [4, 4, [0, 0, 0, 0]],
      [12, 12, [34, 34, 34, 255]],
      [19, 18, [0, 0, 0, 0]],
    ],
  ],
  [
    'lucide-settings-24.png',
    24,
    24,
    [
      [4, 4, [36, 36, 36, 7]],
      [12, 12, [0, 0, 0, 0]],
      [19, 18, [34, 34, 34, 245]],
    ],
  ],
  [
    'lucide-trash-2-24.png',
    24,
    24,
    [
      [4, 4, [0, 0, 0, 0]],
      [12, 12, [0, 0, 0, 0]],
      [19, 18, [34, 34, 34, 255]],
    ],
  ],
  [
    'nclx-709.avif',
    64,
    32,
    [
      [12, 6, [199, 60, 50, 255]],
      [32, 16, [59, 190, 80, 255]],
      [51, 24, [59, 190, 80, 255]],
    ],
  ],
  [
    'nclx-linear.avif',
    64,
    32,
    [
      [12, 6, [229, 133, 122, 255]],
      [32, 16, [132, 224, 152, 255]],
      [51, 24, [132, 224, 152, 255]],
    ],
  ],
  [
    'nclx-p3.avif',
    64,
    32,
    [
      [12, 6, [216, 42, 39, 255]],
      [32, 16, [0, 193, 61, 255]],
      [51, 24, [0, 193, 61, 255]],
    ],
  ],
  [
    'nclx-srgb.avif',
    64,
    32,
    [
      [12, 6, [199, 60, 50, 255]],
      [32, 16, [59, 190, 80, 255]],
      [51, 24, [59, 190, 80, 255]],
    ],
  ],
  [
    'pixelart.png',
    48,
    48,
    [
      [9, 9, [91, 110, 225, 255]],
      [24, 24, [60, 160, 70, 255]],
      [38, 36, [34, 32, 52, 255]],
    ],
  ],
  [
    'pngcolour-cicp-linear.png',
    64,
    32,
    [
      [12, 6, [229, 133, 122, 255]],
      [32, 16, [133, 224, 152, 255]],
      [51, 24, [133, 224, 152, 255]],
    ],
  ],
  [
    'pngcolour-gama100000.png',
    64,
    32,
    [
      [12, 6, [229, 133, 122, 255]],
      [32, 16, [133, 224, 152, 255]],
      [51, 24, [133, 224, 152, 255]],
    ],
  ],
  [
    'pngcolour-gama45455-chrm-adobe.png',
    64,
    32,
    [
      [12, 6, [231, 57, 46, 255]],
      [32, 16, [0, 191, 69, 255]],
      [51, 24, [0, 191, 69, 255]],
    ],
  ],
  [
    'pngcolour-gama45455-chrm-p3.png',
    64,
    32,
    [
      [12, 6, [219, 37, 34, 255]],
      [32, 16, [0, 195, 59, 255]],
      [51, 24, [0, 195, 59, 255]],
    ],
  ],
  [
    'pngcolour-gama45455-chrm-srgb.png',
    64,
    32,
    [
      [12, 6, [201, 57, 46, 255]],
      [32, 16, [57, 191, 79, 255]],
      [51, 24, [57, 191, 79, 255]],
    ],
  ],
  [
    'pngcolour-gama45455.png',
    64,
    32,
    [
      [12, 6, [200, 60, 50, 255]],
      [32, 16, [60, 190, 80, 255]],
      [51, 24, [60, 190, 80, 255]],
    ],
  ],
  [
    'pngcolour-gama55556.png',
    64,
    32,
    [
      [12, 6, [210, 77, 65, 255]],
      [32, 16, [77, 202, 99, 255]],
      [51, 24, [77, 202, 99, 255]],
    ],
  ],
  [
    'pngcolour-none.png',
    64,
    32,
    [
      [12, 6, [200, 60, 50, 255]],
      [32, 16, [60, 190, 80, 255]],
      [51, 24, [60, 190, 80, 255]],
    ],
  ],
  [
    'pngcolour-srgb-gama.png',
    64,
    32,
    [
      [12, 6, [200, 60, 50, 255]],
      [32, 16, [60, 190, 80, 255]],
      [51, 24, [60, 190, 80, 255]],
    ],
  ],
  [
    'sprite.png',
    192,
    64,
    [
      [38, 12, [0, 0, 0, 0]],
      [96, 32, [0, 0, 0, 0]],
      [153, 48, [251, 140, 0, 255]],
    ],
  ],
  [
    'two-shapes.png',
    400,
    200,
    [
      [80, 40, [228, 0, 43, 255]],
      [200, 100, [255, 255, 255, 255]],
      [320, 150, [255, 255, 255, 255]],
    ],
  ],
  // A frame that is larger than the canvas, of which it covers a part.
  [
    'gif-beyond.gif',
    40,
    30,
    [
      [4, 3, [0, 0, 0, 0]],
      [28, 21, [255, 0, 0, 255]],
      [2, 27, [0, 0, 0, 0]],
    ],
  ],
  [
    'premultiplied.avif',
    64,
    48,
    [
      [6, 4, [0, 0, 0, 0]],
      [57, 43, [230, 219, 40, 255]],
    ],
  ],
  // Grey of limited range; tiles that are turned together.
  [
    'grey-limited-10.avif',
    64,
    32,
    [
      [12, 6, [0, 0, 0, 255]],
      [32, 16, [179, 179, 179, 255]],
      [51, 24, [255, 255, 255, 255]],
    ],
  ],
  [
    'grey-limited.avif',
    64,
    32,
    [
      [12, 6, [0, 0, 0, 255]],
      [32, 16, [180, 180, 180, 255]],
      [51, 24, [255, 255, 255, 255]],
    ],
  ],
  [
    'grid-turned.avif',
    128,
    128,
    [
      [25, 25, [221, 40, 31, 255]],
      [64, 64, [231, 210, 42, 255]],
      [102, 96, [231, 210, 42, 255]],
    ],
  ],
  [
    'small-avatar.png',
    48,
    48,
    [
      [9, 9, [188, 178, 172, 255]],
      [24, 24, [85, 81, 78, 255]],
      [38, 36, [0, 0, 1, 255]],
    ],
  ],
  [
    'small-chart.png',
    48,
    31,
    [
      [9, 6, [255, 255, 255, 255]],
      [24, 15, [248, 224, 199, 255]],
      [38, 23, [137, 166, 198, 255]],
    ],
  ],
  [
    'small-clipart.png',
    48,
    26,
    [
      [9, 5, [133, 133, 83, 255]],
      [24, 13, [159, 159, 79, 255]],
      [38, 19, [96, 96, 64, 255]],
    ],
  ],
  [
    'small-emoji.png',
    48,
    13,
    [
      [24, 6, [199, 118, 101, 255]],
      [38, 9, [0, 0, 0, 0]],
    ],
  ],
  [
    'small-gradient.png',
    48,
    14,
    [
      [9, 2, [86, 38, 78, 255]],
      [24, 7, [207, 158, 157, 255]],
      [38, 10, [222, 122, 40, 255]],
    ],
  ],
  [
    'small-grain.jpg',
    48,
    39,
    [
      [9, 7, [74, 35, 20, 255]],
      [24, 19, [130, 106, 96, 255]],
      [38, 29, [102, 82, 55, 255]],
    ],
  ],
  [
    'small-hero.png',
    48,
    30,
    [
      [9, 6, [185, 97, 66, 255]],
      [24, 15, [60, 55, 56, 255]],
      [38, 22, [96, 80, 53, 255]],
    ],
  ],
  [
    'small-map.png',
    48,
    48,
    [
      [9, 9, [237, 216, 209, 255]],
      [24, 24, [225, 223, 218, 255]],
      [38, 36, [241, 239, 233, 255]],
    ],
  ],
  [
    'small-photo.png',
    48,
    39,
    [
      [9, 7, [60, 42, 29, 255]],
      [24, 19, [129, 120, 121, 255]],
      [38, 29, [107, 86, 53, 255]],
    ],
  ],
  [
    'small-product.jpg',
    48,
    32,
    [
      [9, 6, [195, 76, 33, 255]],
      [24, 16, [222, 162, 128, 255]],
      [38, 24, [141, 64, 38, 255]],
    ],
  ],
  [
    'small-scan.jpg',
    48,
    19,
    [
      [9, 3, [148, 148, 148, 255]],
      [24, 9, [148, 148, 148, 255]],
      [38, 14, [164, 164, 164, 255]],
    ],
  ],
  [
    'small-shadow.png',
    48,
    29,
    [
      [24, 14, [170, 184, 238, 255]],
      [38, 21, [255, 255, 255, 254]],
    ],
  ],
  [
    'small-texture.png',
    48,
    48,
    [
      [9, 9, [98, 98, 98, 255]],
      [24, 24, [108, 108, 108, 255]],
      [38, 36, [142, 142, 142, 255]],
    ],
  ],
  [
    'small-ui.png',
    48,
    32,
    [
      [9, 6, [242, 242, 244, 255]],
      [24, 16, [242, 244, 246, 255]],
      [38, 24, [246, 248, 250, 255]],
    ],
  ],
  [
    'small-uijpeg.jpg',
    48,
    32,
    [
      [9, 6, [250, 250, 250, 255]],
      [24, 16, [244, 248, 251, 255]],
      [38, 24, [247, 248, 250, 255]],
    ],
  ],
];

/** Not shown: Chromium maps the first three to an ordinary screen in a way of its own, and shows half of the last. */
const refused: [name: string, code: string][] = [
  ['nclx-pq2020.avif', 'UNSUPPORTED_FORMAT'],
  ['pngcolour-cicp-hlg.png', 'UNSUPPORTED_FORMAT'],
  ['pngcolour-cicp-pq.png', 'UNSUPPORTED_FORMAT'],
  ['jpeg-no-eoi.jpg', 'INPUT_CORRUPT'],
];

/** Files that have a palette, or store without loss where their format need not. */
const palettes = ['bilevelchart.png', 'flat.png', 'logopal.png', 'two-shapes.png'];

test('no file is left out', () => {
  const named = [...drawn, ...refused].map(([name]) => name);
  expect(readdirSync(folder).sort()).toEqual(named.sort());
});

describe('is drawn as browsers draw it, at twice its size', () => {
  test.each(drawn)('%s', async (name, width, height, places) => {
    const { data } = await upscaler.upscale(bytesOf(name), {
      model: 'nearest',
      upscale: 2,
      format: 'png',
      animation: 'first-frame',
    });
    const pixels = await decodePixels(await sharp(data).ensureAlpha().png().toBuffer());
    expect(pixels).toMatchObject({ width: 2 * width, height: 2 * height });
    for (const [x, y, expected] of places) {
      const [red = 0, green = 0, blue = 0, alpha = 0] = pixels.at(2 * x, 2 * y);
      const [, , , cover = 0] = expected;
      expect(Math.abs(alpha - cover)).toBeLessThanOrEqual(1);
      // A canvas holds colours multiplied by alpha, which rounds them.
      const tolerance = cover === 0 ? 255 : 2 + Math.ceil((255 - cover) / (2 * cover));
      expect(largestDifference([red, green, blue], expected.slice(0, 3)), `${x}, ${y}`).toBeLessThanOrEqual(tolerance);
    }
  });
});

describe('is refused', () => {
  test.each(refused)('%s: %s', async (name, code) => {
    await expect(upscaler.upscale(bytesOf(name), { model: 'nearest', upscale: 2 })).rejects.toMatchObject({ code });
  });
});

test.each(palettes)('%s has a palette again', async (name) => {
  const { data } = await upscaler.upscale(bytesOf(name), { upscale: 2 });
  expect((await sharp(data).metadata()).isPalette).toBe(true);
});

/** How often a GIF says that it begins again; undefined where it says nothing. */
function repeats(gif: Uint8Array): number | undefined {
  const bytes = Buffer.from(gif);
  const at = bytes.indexOf('NETSCAPE2.0\x03\x01');
  return at < 0 ? undefined : bytes.readUInt16LE(at + 13);
}

test.each(drawn.map(([name]) => name).filter((name) => name.startsWith('loop-')))(
  '%s has its times and repeats again',
  async (name) => {
    const source = bytesOf(name);
    const { data, frames } = await upscaler.upscale(source, { model: 'nearest', upscale: 2 });
    expect(frames).toBe(3);
    // libvips counts one more, and has no number for the last: what is nearly for ever stays nearly for ever.
    const most = 65_534;
    const expected = repeats(source);
    expect(repeats(data)).toBe(expected === undefined ? undefined : Math.min(expected, most));
    expect((await sharp(data).metadata()).delay).toEqual((await sharp(source).metadata()).delay);
  },
);
