import { UpresError } from '../errors.js';
import { checkDevice, isProcessor, type Device, type DeviceChoice } from './device.js';
import type { DeviceReport } from './gpu/try-device.js';
import { workingProcessor } from './processor.js';

/** In which order `auto` tries devices: those that are the fastest where they exist come first. */
const preference = ['cuda', 'dml', 'coreml', 'webgpu'] as const;

/**
 * Finds out what a choice means on this machine, by trial runs in processes of their own. Their results are remembered. With
 * `cpu` and `wasm` nothing is tried or loaded.
 * @returns the device that was named, or for `auto` the first that works, computes what the CPU computes, and is faster; else
 *   `cpu` (`wasm` where there is no native code), with a warning (`UPRES_DEVICE_FALLBACK`, once in a process)
 * @throws BAD_ARGUMENT for another name, DEVICE_UNAVAILABLE for a device that was named and doesn't work here
 */
export async function resolveDevice(choice: DeviceChoice): Promise<Device> {
  const checked = checkDevice(choice);
  if (isProcessor(checked)) return checked;
  if (checked === 'auto') return chooseDevice();
  const { tryDevice } = await import('./gpu/index.js');
  const report = await tryDevice(checked);
  if (report.works) return checked;
  throw new UpresError(
    'DEVICE_UNAVAILABLE',
    `the device ${checked} can't be used on this machine: ${report.reason ?? 'unknown reason'}. ` +
      'Use the device "cpu" or "auto"; "upres doctor" tries all devices',
  );
}

async function chooseDevice(): Promise<Device> {
  const { builtInDevices, tryDevice } = await import('./gpu/index.js');
  const builtIn = await builtInDevices();
  const reasons: string[] = [];
  for (const device of preference) {
    if (!builtIn.includes(device)) continue;
    const report = await tryDevice(device);
    const against = objection(report);
    if (against === undefined) return device;
    reasons.push(`${device}: ${against}`);
  }
  const { warnOfFallback } = await import('./gpu/index.js');
  warnOfFallback(reasons.length > 0 ? reasons.join('; ') : 'the runtime has no other device on this platform');
  return workingProcessor();
}

/** Why `auto` leaves a device out; undefined when nothing speaks against it. */
function objection({ works, reason, software, adapter, ms, cpuMs }: DeviceReport): string | undefined {
  if (!works) return reason ?? 'it does not work';
  // For tests of what happens on a graphics processor, on machines without one.
  if (process.env.UPRES_ACCEPT_SOFTWARE_GPU === '1') return undefined;
  if (software) return `its driver computes on the CPU (${adapter ?? 'software'})`;
  if (ms !== undefined && cpuMs !== undefined && ms > cpuMs) {
    return `it is slower than the CPU (${ms.toFixed(1)} ms where the CPU takes ${cpuMs.toFixed(1)} ms)`;
  }
  return undefined;
}
