import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Upscaler } from '#src/image/upscale.js';
import type { Device } from '#src/network/device.js';
import { plainNetwork } from '../support/networks.js';
import { picture, scene } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler: cpu, folder } = useUpscaler();
/** Little to compute: a driver in software is a hundred times slower than the CPU's own kernels. */
const model = join(folder, 'small.onnx');
const photo = await picture(30, 20, 3, scene).png().toBuffer();

beforeAll(() => writeFile(model, plainNetwork({ width: 4, depth: 0 })));

describe('without a graphics processor', () => {
  test('a picture is computed on the CPU, and says so', async () => {
    expect(await cpu.upscale(photo)).toMatchObject({ device: 'cpu' });
    expect(await cpu.upscale(photo, { device: 'cpu' })).toMatchObject({ device: 'cpu' });
  });

  test.each<[string, () => Promise<unknown>]>([
    ['for a call', () => cpu.upscale(photo, { device: 'webgp' as Device })],
    [
      'for all',
      async () => {
        await using wrong = new Upscaler({ device: 'webgp' as Device });
        await wrong.upscale(photo);
      },
    ],
  ])('a device that does not exist: BAD_ARGUMENT with a suggestion, %s', async (_, call) => {
    await expect(call()).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining('Did you mean "webgpu"?') as string,
    });
  });

  test.each<[Device | undefined, Device | undefined, Device]>([
    [undefined, undefined, 'cpu'],
    ['wasm', undefined, 'wasm'],
    ['wasm', 'cpu', 'cpu'],
    ['cpu', 'wasm', 'wasm'],
    ['webgpu', undefined, 'cpu'],
  ])('resizing stays on the processor that is named: %s for all, %s for the call', async (forAll, forCall, device) => {
    await using upscaler = new Upscaler(forAll ? { device: forAll } : {});
    expect(await upscaler.resize(photo, forCall ? { device: forCall } : {})).toMatchObject({
      model: 'bicubic',
      device,
    });
  });

  test('a device that the runtime lacks here: DEVICE_UNAVAILABLE with the reason', async () => {
    const elsewhere = process.platform === 'darwin' ? 'dml' : 'coreml';
    await expect(cpu.upscale(photo, { device: elsewhere })).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringContaining(process.platform) as string,
    });
  });
});
