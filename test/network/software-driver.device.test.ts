import { describe, expect, it } from 'vitest';
import { tryDevices } from '#src/network/gpu/try-device.js';
import { resolveIn } from '../support/resolve-device.js';
import { hasSoftwareGpu, softwareGpuEnvironment, useSoftwareGpu } from '../support/software-gpu.js';

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
