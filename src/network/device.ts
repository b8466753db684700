import { check, choice, type Schema } from '../schema.js';

export const devices = ['cpu', 'wasm', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
/**
 * What can compute a network: the processor with native code (`cpu`) or in WebAssembly (`wasm`), and graphics processors by the
 * interface that they are reached through.
 */
export type Device = (typeof devices)[number];

/** Devices that the pool's threads are. */
export const processors = ['cpu', 'wasm'] as const satisfies readonly Device[];
export type ProcessorDevice = (typeof processors)[number];

/** A device with a process of its own. */
export type GpuDevice = Exclude<Device, 'cpu' | 'wasm'>;

export function isProcessor(device: DeviceChoice): device is ProcessorDevice {
  return processors.some((name) => name === device);
}

export const deviceChoices = ['auto', ...devices] as const;
/** What a user may ask for: a device, or `auto` for the fastest one that works. */
export type DeviceChoice = (typeof deviceChoices)[number];

export const deviceChoice: Schema<DeviceChoice> = choice(deviceChoices);

/**
 * Checks a device as a user named it: the runtime itself ignores some unknown names and crashes on others.
 * @throws BAD_ARGUMENT with a suggestion
 */
export function checkDevice(name: unknown): DeviceChoice {
  return check(deviceChoice, name, 'device');
}
