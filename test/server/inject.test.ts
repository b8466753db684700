import { expect, test } from 'vitest';
import { createServer } from '#src/server/index.js';
import { temporaryFolder } from '../support/folders.js';

const token = 's3cret-s3cret-s3cret';

test('before it listens the server answers what is injected, and its settings tell no tokens', async () => {
  const server = await createServer({ port: 0, folder: temporaryFolder(), cache: false, tokens: [token] });
  try {
    const headers = { 'content-type': 'image/png', authorization: `Bearer ${token}` };
    const request = { method: 'POST', url: '/v1/upscale?upscale=2', headers, payload: Buffer.from('x') } as const;
    const { statusCode, body } = await server.inject(request);
    expect([statusCode, body]).toEqual([415, expect.stringContaining('UNSUPPORTED_FORMAT')]);
    expect(server.settings.tokens).toHaveLength(1);
    expect(JSON.stringify(server.settings)).not.toContain(token);
    expect((await server.inject({ url: '/healthz' })).statusCode).toBe(200);
  } finally {
    await server.close();
  }
});
