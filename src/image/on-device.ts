import { UpresError } from '../errors.js';
import type { Device, DeviceChoice } from '../network/device.js';

/**
 * The device behind a choice. The CPU needs no looking: a build that stays on it loads nothing more.
 * @throws BAD_ARGUMENT, DEVICE_UNAVAILABLE where it was named
 */
export async function deviceFor(choice: DeviceChoice): Promise<Device> {
  if (choice === 'cpu') return 'cpu';
  const { resolveDevice } = await import('../network/resolve-device.js');
  return resolveDevice(choice);
}

/** After this many losses without a result between them a graphics processor that was not named is left alone. */
const mostLosses = 2;

/**
 * Runs pictures on the devices that were chosen for them. One that is lost on a device which was not named starts again, whole,
 * on the CPU: no picture is ever computed half on one and half on another.
 */
export class Failover {
  private losses = 0;
  private lastLoss: UpresError | undefined;

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
    if (choice !== 'auto' || device === 'cpu') return compute(device);
    if (this.losses >= mostLosses) return compute('cpu');
    try {
      const result = await compute(device);
      this.losses = 0;
      return result;
    } catch (error) {
      if (!(error instanceof UpresError) || !isDeviceTrouble(error)) throw error;
      this.count(error);
      warnOfLoss(device, name, error);
      return compute('cpu');
    }
  }

  /** One loss ends many pictures, all with the same error; and a network that the device can't compute says nothing of others. */
  private count(failure: UpresError): void {
    if (failure.code !== 'DEVICE_LOST' || failure === this.lastLoss) return;
    this.lastLoss = failure;
    this.losses++;
  }
}

/** Lost in mid-picture, or not fit for this one network. */
function isDeviceTrouble({ code }: UpresError): boolean {
  return code === 'DEVICE_LOST' || code === 'DEVICE_UNAVAILABLE';
}

function warnOfLoss(device: Device, name: string | undefined, { message }: UpresError): void {
  process.emitWarning(`${name ?? 'a picture'} starts again on the cpu, because ${device} failed: ${message}`, {
    type: 'UpresWarning',
    code: 'UPRES_DEVICE_LOST',
  });
}
