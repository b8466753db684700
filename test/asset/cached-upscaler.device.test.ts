import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { AssetCache } from '#src/asset/cache/asset-cache.js';
import { CachedUpscaler, type ResultFacts } from '#src/asset/cached-upscaler.js';
import { Upscaler } from '#src/image/upscale.js';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';
import { gpuProcess, hasSoftwareGpu, useSoftwareGpu } from '../support/software-gpu.js';

const folder = temporaryFolder();
const model = join(folder, 'small.onnx');
let source: Buffer;

beforeAll(async () => {
  writeFileSync(model, plainNetwork({ width: 4, depth: 0 }));
  const data = Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => (i * 7919) % 251);
  source = await sharp(data, { raw: { width: 90, height: 70, channels: 3 } })
    .png()
    .toBuffer();
});

describe.runIf(hasSoftwareGpu)('results of a graphics processor', () => {
  useSoftwareGpu();
  // A driver in software is never chosen by itself, unless it is asked for.
  process.env.UPRES_ACCEPT_SOFTWARE_GPU = '1';

  it('are cached under the device that computed them, whatever was to compute them', async () => {
    await using upscaler = new Upscaler({ cacheFolder: join(folder, 'networks') });
    const cached = new CachedUpscaler(() => upscaler, new AssetCache<ResultFacts>(join(folder, 'results')));
    const options = { model, upscale: 4, format: 'png' } as const;
    const cachedOn = async (device: 'cpu' | 'webgpu'): Promise<string | undefined> =>
      (await cached.findCached(source, { ...options, device }))?.device;

    // Killed in mid-picture, it goes over to the CPU.
    let killed = false;
    const onProgress = (): void => {
      const pid = killed ? undefined : gpuProcess();
      if (pid === undefined) return;
      killed = true;
      process.kill(pid, 'SIGKILL');
    };
    expect(await cached.upscale(source, { ...options, device: 'auto', onProgress })).toMatchObject({ device: 'cpu' });
    expect(killed).toBe(true);
    expect([await cachedOn('cpu'), await cachedOn('webgpu')]).toEqual(['cpu', undefined]);

    // What stood in is as good as a result of the device's own: it is not computed again.
    expect(await cached.upscale(source, { ...options, device: 'auto' })).toMatchObject({ device: 'cpu', cached: true });
    expect(await cached.findCached(source, { ...options, device: 'auto' })).toMatchObject({ device: 'cpu' });

    expect(await cached.upscale(source, { ...options, device: 'webgpu' })).toMatchObject({
      device: 'webgpu',
      cached: false,
    });
    expect([await cachedOn('cpu'), await cachedOn('webgpu')]).toEqual(['cpu', 'webgpu']);
    expect(await cached.upscale(source, { ...options, device: 'auto' })).toMatchObject({
      device: 'webgpu',
      cached: true,
    });
  });
});
