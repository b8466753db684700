import type { UpresError } from '../errors.js';
import { DeviceFailover } from '../network/device-failover.js';
import { isProcessor, type Device, type DeviceChoice } from '../network/device.js';

/**
 * The device behind a choice. The processor needs no looking: a build that stays on it loads nothing more.
 * @throws BAD_ARGUMENT, DEVICE_UNAVAILABLE where it was named
 */
export async function deviceFor(choice: DeviceChoice): Promise<Device> {
  if (isProcessor(choice)) return choice;
  const { resolveDevice } = await import('../network/resolve-device.js');
  return resolveDevice(choice);
}

/**
 * Runs pictures on the devices that were chosen for them. One that is lost on a device which was not named starts again, whole,
 * on the CPU.
 */
export class Failover {
  /** A network that the device can't compute says nothing of others. */
  private readonly failover = new DeviceFailover(({ code }) => code === 'DEVICE_LOST');

  /** @param deviceOf finds the device behind a choice */
  constructor(private readonly deviceOf: (choice: DeviceChoice) => Promise<Device> = deviceFor) {}

  /**
   * @param name of the picture, for the warning
   * @param compute the whole picture, from the beginning
   * @throws DEVICE_LOST, DEVICE_UNAVAILABLE where the device was named; whatever `compute` throws
   */
  async runPicture<T>(
    choice: DeviceChoice,
    name: string | undefined,
    compute: (device: Device) => Promise<T>,
  ): Promise<T> {
    const device = await this.deviceOf(choice);
    if (choice !== 'auto' || isProcessor(device)) return compute(device);
    return this.failover.run(
      () => compute(device),
      () => compute('cpu'),
      (failure) => {
        warnOfLoss(device, name, failure);
      },
    );
  }
}

function warnOfLoss(device: Device, name: string | undefined, { message }: UpresError): void {
  process.emitWarning(`${name ?? 'a picture'} starts again on the cpu, because ${device} failed: ${message}`, {
    type: 'UpresWarning',
    code: 'UPRES_DEVICE_LOST',
  });
}
