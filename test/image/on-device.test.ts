import { describe, expect, it } from 'vitest';
import { UpresError, type UpresErrorCode } from '#src/errors.js';
import { Failover } from '#src/image/on-device.js';
import type { Device } from '#src/network/device.js';
import { codeOf } from '../support/errors.js';

/** On a machine where `auto` means a graphics processor. */
const failover = (): Failover => new Failover((choice) => Promise.resolve(choice === 'auto' ? 'webgpu' : choice));

const failure = (code: UpresErrorCode): UpresError => new UpresError(code, 'it failed');

/** Computes pictures at once that all come to this end on a graphics processor; which device computed each. */
async function pictures(on: Failover, count: number, error?: UpresError): Promise<Device[]> {
  const picture = (device: Device): Promise<Device> =>
    error && device !== 'cpu' ? Promise.reject(error) : Promise.resolve(device);
  return Promise.all(Array.from({ length: count }, () => on.runPicture('auto', undefined, picture)));
}

describe('pictures that chose their device themselves', () => {
  it('leave a device alone that was lost twice without a result in between', async () => {
    const on = failover();
    expect(await pictures(on, 1, failure('DEVICE_LOST'))).toEqual(['cpu']);
    expect(await pictures(on, 1)).toEqual(['webgpu']);
    expect(await pictures(on, 1, failure('DEVICE_LOST'))).toEqual(['cpu']);
    expect(await pictures(on, 1, failure('DEVICE_LOST'))).toEqual(['cpu']);
    expect(await pictures(on, 1)).toEqual(['cpu']);
  });

  it('count one loss once, however many it ended', async () => {
    const on = failover();
    expect(await pictures(on, 3, failure('DEVICE_LOST'))).toEqual(['cpu', 'cpu', 'cpu']);
    expect(await pictures(on, 1)).toEqual(['webgpu']);
  });

  it('do not hold it against the device that it can’t compute some network', async () => {
    const on = failover();
    for (let picture = 0; picture < 3; picture++) {
      expect(await pictures(on, 1, failure('DEVICE_UNAVAILABLE'))).toEqual(['cpu']);
    }
    expect(await pictures(on, 1)).toEqual(['webgpu']);
  });

  it('fail with what is no failure of the device', async () => {
    expect(await codeOf(pictures(failover(), 1, failure('INPUT_CORRUPT')))).toBe('INPUT_CORRUPT');
  });
});
