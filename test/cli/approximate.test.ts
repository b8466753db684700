import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { createServer } from '#src/server/index.js';
import { globalNetwork } from '../support/networks.js';
import { temporaryFolder } from '../support/folders.js';
import { jsonLines, sharedCache, upres } from './support/command.js';
import { makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

const bytes = globalNetwork();
const sha256 = createHash('sha256').update(bytes).digest('hex');

const lineOf = (stdout: string): unknown => jsonLines(stdout).get('a.png');

describe('a network that looks at the whole picture', () => {
  test('is refused by the command where it has no room, and says how near it comes where that is accepted', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(200, 160), 'net.onnx': bytes });
    const flags = ['a.png', '--model', 'net.onnx', '--memory-budget', '2Mi', '--json'];
    const refused = lineOf((await upres([...flags, '-o', '1.png'], { cwd: folder.path })).stdout);
    expect(refused).toMatchObject({ error: { code: 'INPUT_TOO_LARGE' } });

    const accepting = [...flags, '-o', '2.png', '--accept-approximation'];
    const made = lineOf((await upres(accepting, { cwd: folder.path })).stdout);
    expect(made).toMatchObject({ output: '2.png', approximate: 1, approximateBy: expect.any(Number) as number });
    const again = lineOf((await upres([...accepting, '--overwrite'], { cwd: folder.path })).stdout);
    expect(again).toMatchObject({ approximate: 1, cached: true });
    // Another result than the one with room for all.
    const whole = lineOf(
      (await upres(['a.png', '-m', 'net.onnx', '-o', '3.png', '--json'], { cwd: folder.path })).stdout,
    );
    expect(whole).toMatchObject({ cached: false });
    expect(whole).not.toHaveProperty('approximate');

    // Its card can say both.
    await folder.write({
      'net.card.json': JSON.stringify({ sha256, acceptApproximation: true, memoryBudget: 2 ** 21 }),
    });
    const carded = lineOf(
      (await upres(['a.png', '-m', 'net.onnx', '-o', '4.png', '--json'], { cwd: folder.path })).stdout,
    );
    expect(carded).toMatchObject({ output: '4.png', approximate: 1, cached: false });

    const label = await upres(['a.png', '--model', 'natural', '--accept-approximation'], { cwd: folder.path });
    expect([label.code, label.stderr]).toEqual([2, expect.stringContaining('network of your own')]);
  });

  test('says so in the headers of the server', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'net.onnx': bytes });
    const server = await createServer({
      folder: temporaryFolder(),
      cache: false,
      models: { strict: folder.join('net.onnx'), loose: { file: folder.join('net.onnx'), acceptApproximation: true } },
      memoryBudget: 2 ** 21,
    });
    try {
      const payload = await picture(200, 160);
      const post = (model: string) =>
        server.inject({
          method: 'POST',
          url: `/v1/upscale?upscale=2&model=${model}`,
          headers: { 'content-type': 'image/png' },
          payload: Buffer.from(payload),
        });
      expect((await post('strict')).statusCode).toBe(413);
      const { statusCode, headers } = await post('loose');
      expect(statusCode).toBe(200);
      expect(headers).toMatchObject({
        'upres-approximate': '1',
        'upres-approximate-by': expect.stringMatching(/^[\d.]+$/) as string,
      });
    } finally {
      await server.close();
    }
  });
});
