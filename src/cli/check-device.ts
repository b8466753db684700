import { deviceFor } from '../image/on-device.js';
import type { DeviceChoice } from '../network/device.js';
import { namedByEnvironment } from '../network/processor.js';
import { asUsage, UsageError } from './usage-error.js';
import { hasCode, messageOf } from '../errors.js';

/**
 * Tries the device that `--device` names, or else `UPRES_DEVICE`, before any work; it is not tried again afterwards.
 * @throws UsageError DEVICE_UNAVAILABLE where it was named and doesn't work here, BAD_ARGUMENT where the variable names none
 */
export async function checkDeviceWorks(named: DeviceChoice | undefined): Promise<void> {
  const choice = named ?? fromEnvironment();
  if (choice === undefined) return;
  try {
    await deviceFor(choice);
  } catch (error) {
    if (!hasCode(error, 'DEVICE_UNAVAILABLE')) throw error;
    const by = named === undefined ? `UPRES_DEVICE=${choice}` : `--device ${choice}`;
    throw new UsageError(`${by}: ${messageOf(error)}`, 'DEVICE_UNAVAILABLE');
  }
}

function fromEnvironment(): DeviceChoice | undefined {
  try {
    return namedByEnvironment();
  } catch (error) {
    return asUsage(error);
  }
}
