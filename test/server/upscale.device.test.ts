import { describe, expect, test } from 'vitest';
import { cacheKey } from '#src/asset/cache/cache-key.js';
import { hasSoftwareGpu, useSoftwareGpu } from '../support/software-gpu.js';
import { imageFile, startServer, upscale } from './support/server.js';

describe.runIf(hasSoftwareGpu)('on a server that chooses its device itself', () => {
  useSoftwareGpu();
  // A driver in software is never chosen by itself, unless it is asked for.
  process.env.UPRES_ACCEPT_SOFTWARE_GPU = '1';

  test('whoever has the result of the device, or the CPU’s that stood in, gets 412', { timeout: 60_000 }, async () => {
    const server = await startServer({ device: 'auto' });
    const png = await imageFile(24, 16);
    const options = { upscale: 2, model: 'auto', format: 'png' } as const;
    const tags: string[] = [];
    for (const device of ['webgpu', 'cpu'] as const) {
      const tag = `"${await cacheKey(png, { ...options, device })}"`;
      const answer = await upscale(server, png, '?upscale=2', { headers: { 'if-none-match': `"other", ${tag}` } });
      expect(answer.status).toBe(412);
      expect(answer.headers.etag).toBe(tag);
      tags.push(tag);
    }
    expect(new Set(tags).size).toBe(2);
  });
});
