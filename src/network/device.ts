import { UpresError } from '../errors.js';
import { suggestion } from '../suggest.js';

/** What can compute a network. All but `cpu` are graphics processors, by the interface that they are reached through. */
export const devices = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
export type Device = (typeof devices)[number];

/** A device with a process of its own. */
export type GpuDevice = Exclude<Device, 'cpu'>;

/** What a user may ask for: a device, or `auto` for the fastest one that works. */
export const deviceChoices = ['auto', ...devices] as const;
export type DeviceChoice = (typeof deviceChoices)[number];

/**
 * Checks a device as a user named it: the runtime itself ignores some unknown names and crashes on others.
 * @throws BAD_ARGUMENT with a suggestion
 */
export function checkDevice(name: unknown): DeviceChoice {
  const found = deviceChoices.find((choice) => choice === name);
  if (found) return found;
  const shown = typeof name === 'string' ? `"${name}"` : String(name);
  throw new UpresError(
    'BAD_ARGUMENT',
    `device must be one of ${deviceChoices.join(', ')}, not ${shown}.${typeof name === 'string' ? suggestion(name, deviceChoices) : ''}`,
  );
}
