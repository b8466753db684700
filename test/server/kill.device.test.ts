import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';
import { gpuProcess, hasSoftwareGpu, useSoftwareGpu } from '../support/software-gpu.js';
import { endOf, form, json, smallPicture, startServer } from './support/job-server.js';

useSoftwareGpu();

const imageCount = 6;
const kills = 2;

describe.runIf(hasSoftwareGpu)('a job on a graphics processor', () => {
  it('is finished on it, whenever its process is killed', { timeout: 180_000 }, async () => {
    // A small network: a driver in software takes long to prepare a large one.
    const file = join(temporaryFolder(), 'small.onnx');
    writeFileSync(file, plainNetwork({ width: 4, depth: 0 }));
    const { server, url } = await startServer(temporaryFolder(), { models: { small: file } });
    try {
      const files = await Promise.all(
        Array.from({ length: imageCount }, async (_, n) => [`${n}.png`, await smallPicture(n, 64, 64)] as const),
      );
      const submit = (): Promise<{ id: string }> =>
        json(fetch(`${url}/v1/jobs?upscale=2&model=small&device=webgpu`, { method: 'POST', body: form(files) }), 202);
      const results = async (id: string): Promise<Buffer[]> => {
        const { state, images } = await endOf(`${url}/v1/jobs/${id}`);
        expect({ state, problems: images.flatMap(({ problem }) => problem ?? []) }).toEqual({
          state: 'done',
          problems: [],
        });
        expect(images.map(({ result }) => result?.device)).toEqual(files.map(() => 'webgpu'));
        const bytes = images.map(async ({ result }) =>
          Buffer.from(await (await fetch(url + result!.url)).arrayBuffer()),
        );
        return Promise.all(bytes);
      };
      const undisturbed = await results((await submit()).id);

      const { id } = await submit();
      const killed = new Set<number>();
      for (;;) {
        const pid = gpuProcess();
        const { state } = await json(fetch(`${url}/v1/jobs/${id}`));
        if (state === 'running' && pid !== undefined && !killed.has(pid)) {
          process.kill(pid, 'SIGKILL');
          killed.add(pid);
        }
        if (killed.size === kills || state === 'done') break;
        await delay(5);
      }
      const disturbed = await results(id);
      expect(killed.size).toBeGreaterThan(0);
      for (const [n, bytes] of disturbed.entries()) expect(bytes.equals(undisturbed[n]!)).toBe(true);
    } finally {
      await server.close({ cancel: true });
    }
  });
});
