import { rm } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { hasSoftwareGpu, softwareGpuEnvironment } from '../support/software-gpu.js';
import { sharedCache, upres } from './support/command.js';
import { makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

describe.runIf(hasSoftwareGpu)('on a graphics processor', () => {
  const env = softwareGpuEnvironment;

  test('the JSON, the lines and the summary say so, and the cache keeps the results apart', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(8, 6) });
    const run = (device: string) =>
      upres(['--device', device, '--json', '-m', 'bicubic', '--cache', 'kept', 'a.png'], { cwd: folder.path, env });
    const first = await run('webgpu');
    expect(first.code, first.stderr).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ device: 'webgpu', cached: false });
    expect(first.stderr).toContain(', on webgpu');
    expect(first.stderr).toContain('Computed on webgpu for 1.');
    const onCpu = await run('cpu');
    expect(JSON.parse(onCpu.stdout)).toMatchObject({ cached: false });
    expect(onCpu.stdout).not.toContain('device');
    const again = await run('webgpu');
    expect(JSON.parse(again.stdout)).toMatchObject({ device: 'webgpu', cached: true });
  });

  test('that is only a driver in software, auto stays on the CPU, with one line', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(8, 6), 'b.png': await picture(9, 6) });
    const { code, stdout, stderr } = await upres(['--device', 'auto', '--json', 'a.png', 'b.png'], {
      cwd: folder.path,
      env,
    });
    expect(code, stderr).toBe(0);
    expect(stdout).not.toContain('device');
    expect(stderr.match(/UPRES_DEVICE_FALLBACK/g)).toHaveLength(1);
  });

  test('the doctor tells its name', async () => {
    await using folder = await makeFolder();
    const { stdout } = await upres(['doctor'], { cwd: folder.path, env });
    expect(stdout).toMatch(/^device webgpu +works: .*SwiftShader.*, .* for a trial \(cpu: .* ms\)$/m);
  });
});
