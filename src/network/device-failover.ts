import { hasCode, type UpresError } from '../errors.js';

/** After this many losses without a result between them, a graphics processor that was not named is left alone. */
const mostLosses = 2;

/**
 * Computes on a graphics processor that was not named, and on the CPU what fails there: whole, since no picture is computed half on
 * one and half on another.
 */
export class DeviceFailover {
  private losses = 0;
  private lastLoss: unknown;

  /** @param counts which failures say that the device is to be left alone */
  constructor(private readonly counts: (failure: UpresError) => boolean = () => true) {}

  /** Whether the device is not used any more. */
  get givenUp(): boolean {
    return this.losses >= mostLosses;
  }

  /**
   * @param onFailure notified before the work restarts on the CPU; `news` is false where another call has failed by the same loss
   * @throws whatever else `onDevice` throws; what `onCpu` throws
   */
  async run<T>(
    onDevice: () => Promise<T>,
    onCpu: () => Promise<T>,
    onFailure: (failure: UpresError, news: boolean) => void,
  ): Promise<T> {
    if (this.givenUp) return onCpu();
    try {
      const result = await onDevice();
      this.losses = 0;
      return result;
    } catch (error) {
      if (!isFailure(error)) throw error;
      onFailure(error, this.count(error));
      return onCpu();
    }
  }

  /** One loss ends many calls, all with the same error. */
  private count(failure: UpresError): boolean {
    if (failure === this.lastLoss) return false;
    if (this.counts(failure)) {
      this.lastLoss = failure;
      this.losses++;
    }
    return true;
  }
}

/** Lost in mid-picture, or not fit for this one network. */
function isFailure(error: unknown): error is UpresError {
  return hasCode(error, 'DEVICE_LOST', 'DEVICE_UNAVAILABLE');
}
