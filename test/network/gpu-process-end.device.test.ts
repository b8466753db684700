import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { GpuClient } from '#src/network/gpu/gpu-client.js';
import { modelFromBytes } from '#src/model/catalogue/model.js';
import { runChild, type ChildOptions, type ChildResult } from '../support/child.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';
import { until } from '../support/pool.js';
import { hasSoftwareGpu, isRunning, softwareGpuEnvironment, useSoftwareGpu } from '../support/software-gpu.js';

useSoftwareGpu();
const script = fileURLToPath(new URL('./fixtures/gpu-ending.js', import.meta.url));
const cacheFolder = temporaryFolder();
const small = plainNetwork({ width: 4, depth: 0 });
const file = join(temporaryFolder(), 'small.onnx');

/** Ends a process in one of the ways of `gpu-ending.js`; the process that computed for it has to end with it. */
async function end(how: string, options: ChildOptions = {}): Promise<ChildResult> {
  const result = await runChild(script, [how, cacheFolder, file], {
    ...options,
    // The network is not trained, which is told.
    execArgv: ['--disable-warning=UPRES_NETWORK_NOTE'],
    env: softwareGpuEnvironment,
  });
  expect(result.hung, `${how} hung:\n${result.stdout}${result.stderr}`).toBe(false);
  const [line] = result.stdout.split('\n');
  const { pid } = JSON.parse(line!) as { pid: number };
  expect(pid).toBeGreaterThan(0);
  await until(() => !isRunning(pid));
  return result;
}

describe.runIf(hasSoftwareGpu)('a process that computes on a graphics processor', () => {
  beforeAll(async () => {
    writeFileSync(file, small);
    // Prepared once, for all.
    await (await ThreadSafeNetwork.loadFromFile(file, { cacheFolder })).dispose();
  });

  it.each(['by itself', 'disposed'])('ends after its work: %s', async (how) => {
    const { code, signal, stderr } = await end(how);
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  });

  it('ends with the code of process.exit() in mid-run', async () => {
    const { code, signal, stderr } = await end('process.exit');
    expect({ code, signal, stderr }).toEqual({ code: 7, signal: null, stderr: '' });
  });

  it('ends with code 1 after an uncaught exception in mid-run', async () => {
    const { code, signal, stderr } = await end('uncaught exception');
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(stderr).toContain('no one catches this');
  });

  it.each<readonly [string, NodeJS.Signals]>([
    ['signal in mid-run', 'SIGTERM'],
    ['signal in mid-run', 'SIGKILL'],
    ['signal while its process starts', 'SIGKILL'],
  ])('leaves nothing behind: %s, %s', async (how, name) => {
    const { code, signal } = await end(how, { onLine: (_, child) => child.kill(name) });
    expect({ code, signal }).toEqual({ code: null, signal: name });
  });
});

describe.runIf(hasSoftwareGpu)('the process of a device', () => {
  it('counts as lost when it hangs, and is ended', async () => {
    let lost = 0;
    const timeout = 20_000;
    const client = new GpuClient('webgpu', () => lost++, timeout);
    client.hold(true);
    const { key } = await modelFromBytes(small, 'small');
    const source = { kind: 'bytes', bytes: small, name: 'small' } as const;
    await client.open({ network: key, source });
    await client.end();
    expect(lost).toBe(0);

    const impatient = new GpuClient('webgpu', () => lost++, 300);
    impatient.hold(true);
    const pid = impatient.pid!;
    process.kill(pid, 'SIGSTOP');
    expect(await codeOf(impatient.open({ network: key, source }))).toBe('DEVICE_LOST');
    await until(() => !isRunning(pid));
    expect(lost).toBe(1);
    expect(await codeOf(impatient.open({ network: key, source }))).toBe('DEVICE_LOST');
  });

  it('is not disturbed by the signals of a terminal or a service manager', async () => {
    const client = new GpuClient('webgpu', () => undefined);
    client.hold(true);
    const { key } = await modelFromBytes(small, 'small');
    const source = { kind: 'bytes', bytes: small, name: 'small' } as const;
    await client.open({ network: key, source });
    process.kill(client.pid!, 'SIGINT');
    process.kill(client.pid!, 'SIGTERM');
    const pixels = new Uint8Array(2 * 5 * 4 * 3).fill(90);
    const result = await client.compute({
      network: key,
      type: 'uint8',
      channels: 3,
      count: 2,
      height: 5,
      width: 4,
      pixels,
    });
    expect(result.pixels).toHaveLength(4 * pixels.length);
    await client.end();
  });

  it('refuses a model that is another by now', async () => {
    const client = new GpuClient('webgpu', () => undefined);
    client.hold(true);
    const source = { kind: 'bytes', bytes: small, name: 'small' } as const;
    expect(await codeOf(client.open({ network: 'of another file', source }))).toBe('MODEL_INVALID');
    await client.end();
  });
});
