import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DeviceChoice } from '#src/network/device.js';
import { tryDevices } from '#src/network/gpu/try-device.js';
import { runChild } from '../support/child.js';
import { hasSoftwareGpu, softwareGpuEnvironment, useSoftwareGpu } from '../support/software-gpu.js';

const script = fileURLToPath(new URL('./fixtures/resolve-device.js', import.meta.url));

interface Outcomes {
  readonly outcomes: readonly unknown[];
  readonly warnings: readonly { readonly code: string; readonly name: string; readonly message: string }[];
}

/** What choices mean in a process of its own, since it is remembered there. */
async function resolveIn(
  env: Readonly<Record<string, string>>,
  ...choices: readonly DeviceChoice[]
): Promise<Outcomes> {
  const { code, stdout, stderr } = await runChild(script, choices, {
    env: { ...env, UPRES_ACCEPT_SOFTWARE_GPU: undefined },
  });
  expect(code, stderr).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  return { outcomes: lines.slice(0, -1), warnings: lines.at(-1) as Outcomes['warnings'] };
}

describe.runIf(hasSoftwareGpu)('a driver that computes on the CPU', () => {
  it('is used when it is named, and left out by auto', async () => {
    const { outcomes, warnings } = await resolveIn(softwareGpuEnvironment, 'webgpu', 'auto');
    expect(outcomes).toEqual(['webgpu', 'cpu']);
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('webgpu: its driver computes on the CPU (SwiftShader (software))'),
    ]);
  });

  it('is tried together with all others', async () => {
    useSoftwareGpu();
    const reports = await tryDevices();
    const cpu = reports.find(({ name }) => name === 'cpu');
    expect(cpu).toMatchObject({ works: true });
    expect(cpu!.ms).toBeGreaterThan(0);
    for (const { works, reason } of reports) {
      if (!works) expect(reason).toMatch(/^\S.*$/);
    }
    expect(reports.find(({ name }) => name === 'webgpu')).toMatchObject({
      works: true,
      adapter: 'SwiftShader (software)',
      software: true,
    });
  });
});
