import { rm } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { wrapPixels } from '#src/model/graph/pixels.js';
import { mirror } from '#src/network/tiles/mirrored-row.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { resolveModel } from '#src/network/weights/resolve-model.js';
import { temporaryFolder } from '../support/folders.js';
import { drawing, flat, noise, type Picture } from '../support/pictures.js';
import { load } from '../model/support.js';

const cacheFolder = temporaryFolder();
afterAll(() => rm(cacheFolder, { recursive: true, force: true }));

const networks = [
  ['natural', 2],
  ['natural', 3],
  ['natural', 4],
  ['art', 2],
  ['anime', 2],
] as const;

const colour = [200, 30, 90] as const;
const pictures: readonly Picture[] = [
  noise(1, 1),
  noise(2, 5, 1),
  drawing(8, 9),
  noise(9, 8, 3, 2, 16),
  noise(24, 24),
  drawing(24, 24, 1, 3, 16),
  flat(30, 20, colour),
  noise(3, 90),
  drawing(97, 41),
];

/** The picture with so many mirrored pixels around it. */
function surrounded({ width, height, channels, data }: Picture, by: number): Picture {
  const [wide, high] = [width + 2 * by, height + 2 * by];
  const result = data.slice(0, 0).constructor as new (length: number) => typeof data;
  const target = new result(wide * high * channels);
  for (let at = 0; at < target.length; at++) {
    const pixel = Math.floor(at / channels);
    const [x, y] = [mirror((pixel % wide) - by, width), mirror(Math.floor(pixel / wide) - by, height)];
    target[at] = data[(y * width + x) * channels + (at % channels)]!;
  }
  return { width: wide, height: high, channels, data: target };
}

describe('a network whose graph is trimmed', () => {
  it.each(networks)(
    'gives the bytes of the untrimmed one on the picture with its whole context: %s ×%d',
    async (label, scale) => {
      const { core, geometry } = await (await resolveModel({ kind: 'label', label, scale })).build();
      const by = geometry.halo!.left;
      await using network = await ThreadSafeNetwork.fromLabel(label, { scale, threads: 2, cacheFolder, device: 'cpu' });
      expect(network.weights.geometry.trimmed).toBeGreaterThan(0.5);
      for (const picture of pictures) {
        const { width, height, channels } = picture;
        const type = picture.data instanceof Uint8Array ? 'uint8' : 'uint16';
        const whole = await load(wrapPixels(core, type, channels), {
          extra: { session: { set_denormal_as_zero: '1' } },
        });
        const around = surrounded(picture, by);
        const { data } = await whole.run(around.data, [1, around.height, around.width, channels]);
        await whole.release();
        const rowLength = around.width * scale * channels;
        const rows = Array.from({ length: height * scale }, (_, y) => {
          const from = (by * scale + y) * rowLength + by * scale * channels;
          return bytes(data.subarray(from, from + width * scale * channels));
        });
        for (const tilePixels of [undefined, 900, Infinity]) {
          const seen = await network.upscaleImage(picture, tilePixels === undefined ? {} : { tilePixels });
          expect(bytes(seen.data).equals(Buffer.concat(rows)), `${width}×${height}, ${tilePixels}`).toBe(true);
        }
      }
    },
  );
});

const bytes = ({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
