import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Upscaler, type UpscaleOptions, type UpscalerOptions } from '#src/image/upscale.js';
import { plainNetwork } from '../support/networks.js';
import { gpuProcess, hasSoftwareGpu, useSoftwareGpu } from '../support/software-gpu.js';
import { warningsOf } from '../support/warnings.js';
import { animation, decodePixels, largestDifference, picture, scene } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler: cpu, folder } = useUpscaler();
const cacheFolder = join(folder, 'cache');
/** Little to compute: a driver in software is a hundred times slower than the CPU's own kernels. */
const model = join(folder, 'small.onnx');
const photo = await picture(30, 20, 3, scene).png().toBuffer();

beforeAll(() => writeFile(model, plainNetwork({ width: 4, depth: 0 })));

describe.runIf(hasSoftwareGpu)('on a graphics processor', () => {
  useSoftwareGpu();
  // A driver in software is never chosen by itself, unless it is asked for.
  process.env.UPRES_ACCEPT_SOFTWARE_GPU = '1';

  /** Transparency makes it two planes; the network has to run for a while. */
  const clipart = picture(60, 46, 4, (x, y) => [...scene(x, y), Math.min(255, x * 5)])
    .png()
    .toBuffer();

  async function withUpscaler<T>(options: UpscalerOptions, use: (upscaler: Upscaler) => Promise<T>): Promise<T> {
    await using upscaler = new Upscaler({ cacheFolder, ...options });
    return await use(upscaler);
  }

  /** Kills the process that computes as soon as the first tiles of a picture are done. */
  function killing(): {
    readonly onProgress: NonNullable<UpscaleOptions['onProgress']>;
    readonly killed: () => boolean;
  } {
    let killed = false;
    return {
      onProgress: () => {
        const pid = killed ? undefined : gpuProcess();
        if (pid === undefined) return;
        killed = true;
        process.kill(pid, 'SIGKILL');
      },
      killed: () => killed,
    };
  }

  test('the pixels are the CPU’s, to a level', async () => {
    await withUpscaler({ device: 'webgpu' }, async (gpu) => {
      const [a, b] = await Promise.all([gpu, cpu].map(async (each) => each.upscale(await clipart, { model })));
      expect([a!.device, b!.device]).toEqual(['webgpu', 'cpu']);
      const [pixels, expected] = await Promise.all([decodePixels(a!.data), decodePixels(b!.data)]);
      expect(largestDifference(pixels.data, expected.data)).toBeLessThanOrEqual(1);
    });
  });

  test('a call may name another device than the upscaler', async () => {
    await withUpscaler({ device: 'webgpu' }, async (gpu) => {
      expect(await gpu.upscale(photo, { model, device: 'cpu' })).toMatchObject({ device: 'cpu' });
      expect(await gpu.upscale(photo, { model, device: 'auto' })).toMatchObject({ device: 'webgpu' });
      // What stands in for a network that failed does not depend on what failed.
      expect(await gpu.resize(photo)).toMatchObject({ device: 'cpu' });
    });
  });

  test('a named device that is lost in mid-picture fails the picture, and only that', async () => {
    await withUpscaler({ device: 'webgpu' }, async (gpu) => {
      const file = join(folder, 'clipart.png');
      await writeFile(file, await clipart);
      const { onProgress, killed } = killing();
      await expect(gpu.upscale(file, { model, upscale: 4, onProgress })).rejects.toMatchObject({
        code: 'DEVICE_LOST',
        file,
      });
      expect(killed()).toBe(true);
      expect(await gpu.upscale(photo, { model })).toMatchObject({ device: 'webgpu' });
    });
  });

  test('with auto, a picture starts again, whole, on the CPU; after two in a row all go there', async () => {
    const moving = await animation(40, 30, 3, (x, y, frame) => [...scene(x + 9 * frame, y), x < 20 ? 0 : 255])
      .gif()
      .toBuffer();
    await withUpscaler({ device: 'auto' }, async (gpu) => {
      for (const source of [await clipart, moving]) {
        // Two passes, the second of which would begin when the device has long been lost.
        const options = { model, upscale: 3.5 } as const;
        const { onProgress, killed } = killing();
        const { result, warnings } = await warningsOf('UPRES_DEVICE_LOST', () =>
          gpu.upscale(source, { ...options, onProgress }),
        );
        expect(killed()).toBe(true);
        expect(result.device).toBe('cpu');
        // Every plane, frame and pass: were one of them the device's, some level would differ.
        expect(Buffer.compare(result.data, (await cpu.upscale(source, options)).data)).toBe(0);
        expect(warnings).toHaveLength(1);
        expect(warnings[0]).toContain('starts again on the cpu, because webgpu failed');
      }
      expect(await gpu.upscale(photo, { model })).toMatchObject({ device: 'cpu' });
    });
  });
});
