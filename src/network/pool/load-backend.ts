import { hasCode, messageOf } from '../../errors.js';
import { isProcessor, type DeviceChoice, type GpuDevice } from '../device.js';
import { LocalBackend, type LocalSettings } from './local-backend.js';
import type { NetworkBackend } from './network-backend.js';
import type { ModelSource } from './protocol.js';
import { ThreadPool } from './thread-pool.js';

export interface BackendSettings extends LocalSettings {
  readonly gpuMemoryBudget: number | undefined;
}

/**
 * Loads a network for the device that was chosen. What only graphics processors need is not loaded for the processor.
 * @throws DEVICE_UNAVAILABLE for a device that was named and doesn't work; NOT_MAIN_THREAD
 */
export async function loadBackend(
  source: ModelSource,
  choice: DeviceChoice,
  settings: BackendSettings,
): Promise<NetworkBackend> {
  // Anywhere but in the main thread this throws, before a device is tried in vain.
  ThreadPool.get();
  if (isProcessor(choice)) return LocalBackend.load(source, choice, settings);
  if (choice === 'auto') return loadAutomatic(source, settings);
  const { GpuBackend } = await import('../gpu/index.js');
  return GpuBackend.load(source, choice, settings);
}

async function loadAutomatic(source: ModelSource, settings: BackendSettings): Promise<NetworkBackend> {
  const { resolveDevice } = await import('../resolve-device.js');
  const device = await resolveDevice('auto');
  if (isProcessor(device)) return LocalBackend.load(source, device, settings);
  return loadWithFailover(source, device, settings);
}

/** The network on the device for as long as that works, and then on the CPU. */
async function loadWithFailover(
  source: ModelSource,
  device: GpuDevice,
  settings: BackendSettings,
): Promise<NetworkBackend> {
  const { FailoverBackend, GpuBackend, warnOfFallback } = await import('../gpu/index.js');
  const loadOnCpu = (): Promise<LocalBackend> => LocalBackend.load(source, 'cpu', settings);
  try {
    const onDevice = await GpuBackend.load(source, device, settings);
    return new FailoverBackend(onDevice, loadOnCpu, settings.threads);
  } catch (error) {
    if (!hasCode(error, 'DEVICE_UNAVAILABLE')) throw error;
    warnOfFallback(messageOf(error));
    return loadOnCpu();
  }
}
