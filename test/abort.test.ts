import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { onAbort, within } from '#src/abort.js';

describe('onAbort', () => {
  it('calls all back once, those that left excepted', () => {
    const controller = new AbortController();
    const called: number[] = [];
    const forget = Array.from({ length: 40 }, (_, at) => onAbort(controller.signal, () => called.push(at)));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    for (const at of [0, 7, 39]) forget[at]!();
    controller.abort();
    controller.abort();
    expect(called).toEqual(Array.from({ length: 40 }, (_, at) => at).filter((at) => ![0, 7, 39].includes(at)));
  });

  it('counts a callback as often as it was given', () => {
    const controller = new AbortController();
    let calls = 0;
    const count = (): number => ++calls;
    onAbort(controller.signal, count);
    onAbort(controller.signal, count)();
    controller.abort();
    expect(calls).toBe(1);
  });

  it('calls back at once where the signal has fired', () => {
    let calls = 0;
    onAbort(AbortSignal.abort(), () => calls++)();
    expect(calls).toBe(1);
  });
});

describe('within a time', () => {
  const late = (): Error => new Error('late');

  it('gives what the work gives, or throws what it throws', async () => {
    expect(await within(Promise.resolve(1), 60_000, late)).toBe(1);
    await expect(within(Promise.reject(new Error('own')), 60_000, late)).rejects.toThrow('own');
  });

  it('throws where the work is not over by then', async () => {
    await expect(within(new Promise(() => undefined), 1, late)).rejects.toThrow('late');
  });
});
