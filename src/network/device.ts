import { check, choice, type Schema } from '../schema.js';

export const devices = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
/** What can compute a network. All but `cpu` are graphics processors, by the interface that they are reached through. */
export type Device = (typeof devices)[number];

/** A device with a process of its own. */
export type GpuDevice = Exclude<Device, 'cpu'>;

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
