import { deviceFor } from '../image/on-device.js';
import type { DeviceChoice } from '../network/device.js';
import { UsageError } from './usage-error.js';
import { hasCode, messageOf } from '../errors.js';

/**
 * Tries the device that `--device` names before any work; it is not tried again afterwards.
 * @throws UsageError DEVICE_UNAVAILABLE where it was named and doesn't work here
 */
export async function checkDeviceWorks(choice: DeviceChoice): Promise<void> {
  try {
    await deviceFor(choice);
  } catch (error) {
    if (!hasCode(error, 'DEVICE_UNAVAILABLE')) throw error;
    throw new UsageError(`--device ${choice}: ${messageOf(error)}`, 'DEVICE_UNAVAILABLE');
  }
}
