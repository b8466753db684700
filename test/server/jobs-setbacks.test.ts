import { describe, expect, it } from 'vitest';
import { Setbacks } from '#src/server/jobs/setbacks.js';

describe('setbacks of an image', () => {
  it('are no reason to give up, however long the disk is full', () => {
    const setbacks = new Setbacks();
    const pauses: number[] = [];
    for (let time = 0; time < 1000; time++) {
      expect(setbacks.note('job', 0, time % 2 === 0 ? 'DISK_FULL' : 'QUEUE_FULL')).toBe(true);
      pauses.push(setbacks.pause('job', 0));
    }
    expect(pauses.slice(0, 3)).toEqual([250, 500, 1000]);
    expect(pauses.at(-1)).toBe(30_000);
  });

  it('end when it loses the device again and again', () => {
    const setbacks = new Setbacks();
    const again = Array.from({ length: 8 }, () => setbacks.note('job', 0, 'DEVICE_LOST'));
    expect(again).toEqual([true, true, true, true, true, true, true, false]);
    expect(setbacks.note('job', 1, 'DEVICE_LOST')).toBe(true);
    setbacks.forget('job');
    expect(setbacks.note('job', 0, 'DEVICE_LOST')).toBe(true);
  });

  it('are not its own faults', () => {
    expect(new Setbacks().note('job', 0, 'INPUT_CORRUPT')).toBe(false);
  });
});
