import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DeviceChoice } from '#src/network/device.js';
import { resolveDevice } from '#src/network/resolve-device.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { runChild } from '../support/child.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';
import { resolveIn } from '../support/resolve-device.js';
import { gpuProcess } from '../support/software-gpu.js';

const noDriver = { VK_ICD_FILENAMES: '/nowhere/icd.json', VK_DRIVER_FILES: '/nowhere/icd.json' };
/** Mesa's driver in software, where it is installed: Debian 12's lacks what the runtime asks for. */
const mesa = '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json';

describe('a device', () => {
  it.each(['gpu', 'CPU', '', 'tensorrt', undefined, 7])('of another name is refused: %s', async (name) => {
    expect(await codeOf(resolveDevice(name as DeviceChoice))).toBe('BAD_ARGUMENT');
    if (name === undefined) return;
    expect(await codeOf(ThreadSafeNetwork.loadBuiltinNatural({ device: name as DeviceChoice }))).toBe('BAD_ARGUMENT');
  });

  it('is the CPU, without a trial, when that is named', async () => {
    expect(await resolveDevice('cpu')).toBe('cpu');
  });

  it('that the runtime has nothing for is refused with a reason when it is named', async () => {
    const foreign = process.platform === 'darwin' ? 'dml' : 'coreml';
    const refused = resolveDevice(foreign);
    await expect(refused).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
    await expect(refused).rejects.toThrow(
      new RegExp(`the device ${foreign} can't be used on this machine: .* has no ${foreign}.*doctor`),
    );
  });

  it('without a driver is refused when it is named, and left out by auto with one line', async () => {
    const { outcomes, warnings } = await resolveIn(noDriver, 'webgpu', 'auto', 'auto');
    expect(outcomes[0]).toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
    expect(outcomes.slice(1)).toEqual(['cpu', 'cpu']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ code: 'UPRES_DEVICE_FALLBACK', name: 'UpresWarning' });
    expect(warnings[0]!.message).toMatch(/^computing on the CPU: .*webgpu: \S.*/);
    expect(warnings[0]!.message).not.toContain('\n');
  });

  it.runIf(existsSync(mesa))('with a driver that the runtime refuses is refused, and the process lives', async () => {
    const { outcomes } = await resolveIn({ VK_ICD_FILENAMES: mesa, VK_DRIVER_FILES: mesa }, 'webgpu');
    expect(outcomes[0]).toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
  });

  it('without a driver leaves no process behind when a network is loaded for it', async () => {
    Object.assign(process.env, noDriver);
    const loading = ThreadSafeNetwork.fromBytes(plainNetwork({ width: 4, depth: 0 }), {
      device: 'webgpu',
      cacheFolder: temporaryFolder(),
      name: 'small',
    });
    await expect(loading).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
    await expect(loading).rejects.toThrow(/webgpu can't compute the network small on this machine: .*/);
    expect(gpuProcess()).toBeUndefined();
  });
});

describe('a network that chooses its device itself', () => {
  it('computes on the CPU where there is no better one', async () => {
    const { code, stdout, stderr } = await runChild(
      fileURLToPath(new URL('./fixtures/automatic-device.js', import.meta.url)),
      [join(temporaryFolder(), 'cache')],
      { env: noDriver },
    );
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ device: 'cpu', gpu: false, width: 20 });
    expect(stderr.match(/UPRES_DEVICE_FALLBACK/g)).toHaveLength(1);
  });
});
