import { describe, expect, it } from 'vitest';
import { RetryState } from '#src/server/jobs/retry-state.js';

describe('retries of an image', () => {
  it('are no reason to give up, however long the disk is full', () => {
    const retries = new RetryState();
    const pauses: number[] = [];
    for (let time = 0; time < 1000; time++) {
      expect(retries.note('job', 0, time % 2 === 0 ? 'DISK_FULL' : 'QUEUE_FULL')).toBe(true);
      pauses.push(retries.pause('job', 0));
    }
    expect(pauses.slice(0, 3)).toEqual([250, 500, 1000]);
    expect(pauses.at(-1)).toBe(30_000);
  });

  it('end when it loses the device again and again', () => {
    const retries = new RetryState();
    const again = Array.from({ length: 8 }, () => retries.note('job', 0, 'DEVICE_LOST'));
    expect(again).toEqual([true, true, true, true, true, true, true, false]);
    expect(retries.note('job', 1, 'DEVICE_LOST')).toBe(true);
    retries.forget('job');
    expect(retries.note('job', 0, 'DEVICE_LOST')).toBe(true);
  });

  it('are not its own faults', () => {
    expect(new RetryState().note('job', 0, 'INPUT_CORRUPT')).toBe(false);
  });
});
