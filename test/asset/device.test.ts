import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { cacheKey } from '#src/asset/cache/cache-key.js';
import { engineIdentity } from '#src/asset/engine-identity.js';
import { CachedUpscaler } from '#src/asset/cached-upscaler.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import { Upscaler } from '#src/image/upscale.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';

const folder = temporaryFolder();
const model = join(folder, 'small.onnx');
const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
let source: Buffer;

beforeAll(async () => {
  writeFileSync(model, plainNetwork({ width: 4, depth: 0 }));
  const data = Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => (i * 7919) % 251);
  source = await sharp(data, { raw: { width: 90, height: 70, channels: 3 } })
    .png()
    .toBuffer();
});

describe('a device that is not there', () => {
  it('is told before anything is looked for', async () => {
    expect(await codeOf(cacheKey(source, { device: absent }))).toBe('DEVICE_UNAVAILABLE');
    const cached = new CachedUpscaler(() => new Upscaler(), undefined);
    expect(await codeOf(cached.upscale(source, { device: absent }, 'a.png'))).toBe('DEVICE_UNAVAILABLE');
  });

  it('is an error in the environment, too, where a name is none: nothing takes the picture’s place', async () => {
    const file = join(folder, 'b.png');
    writeFileSync(file, source);
    process.env.UPRES_DEVICE = 'wsam';
    try {
      const context = { root: folder, warn: () => undefined };
      const pipeline = new AssetPipeline({ onError: 'original', cache: false }, context);
      const asset = await pipeline.plan(file, { upscale: [2] });
      await expect(pipeline.render(asset, asset.variants[0]!)).rejects.toThrow('UPRES_DEVICE: ');
      await pipeline.close();
      expect(() => engineIdentity()).toThrow('UPRES_DEVICE: ');
      expect(engineIdentity('cpu')).toContain(' cpu ');
    } finally {
      delete process.env.UPRES_DEVICE;
    }
  });

  it('fails an asset as any other error does, and a resize can stand in for it', async () => {
    const file = join(folder, 'a.png');
    writeFileSync(file, source);
    for (const onError of ['fail', 'resize'] as const) {
      const context = { root: folder, warn: () => undefined };
      const pipeline = new AssetPipeline({ device: absent, onError, cache: false }, context);
      const asset = await pipeline.plan(file, { upscale: [2] });
      const rendered = pipeline.render(asset, asset.variants[0]!);
      if (onError === 'fail') expect(await codeOf(rendered)).toBe('DEVICE_UNAVAILABLE');
      else expect(await rendered).toMatchObject({ width: 180, status: 'resized' });
      await pipeline.close();
    }
  });
});
