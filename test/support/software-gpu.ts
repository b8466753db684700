import { existsSync, readFileSync } from 'node:fs';
import type { GpuDevice } from '#src/network/device.js';
import { version } from '#src/version.js';

/** Where Chromium's packages put SwiftShader, a Vulkan driver in software: slow, but the runtime takes it for a real device. */
const usualPaths = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json'];

const { SWIFTSHADER_ICD: named, CI: onBuildServer } = process.env;
const driver = named ?? usualPaths.find((path) => existsSync(path));

/** Whether tests on a graphics processor can run here. */
export const hasSoftwareGpu = driver !== undefined;

// Where everything has to be tested, its absence is a failure.
if (!driver && onBuildServer) {
  throw new Error(
    'no SwiftShader: install the packages chromium and libvulkan1, or name its ICD file by SWIFTSHADER_ICD',
  );
}
if (!driver)
  console.log(
    'skipped: no SwiftShader here (Debian: chromium and libvulkan1; or name its ICD file by SWIFTSHADER_ICD)',
  );

/** The environment in which the Vulkan loader finds SwiftShader and nothing else. */
export const softwareGpuEnvironment: Readonly<Record<string, string>> = driver
  ? { VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver }
  : {};

/** Has this process' devices found on SwiftShader from now on. */
export function useSoftwareGpu(): void {
  Object.assign(process.env, softwareGpuEnvironment);
}

/** Number of the process that computes on a device for this one; undefined while there is none. */
export function gpuProcess(device: GpuDevice = 'webgpu'): number | undefined {
  const schedulers = (
    globalThis as Record<symbol, ReadonlyMap<GpuDevice, { readonly pid: number | undefined }> | undefined>
  )[Symbol.for(`upres.gpu@${version}`)];
  return schedulers?.get(device)?.pid;
}

/** Whether a process runs; one that has ended and that no one asked about is as good as gone. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return !existsSync('/proc/self/stat');
  }
}
