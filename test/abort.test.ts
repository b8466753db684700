import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { afterComputing, onAbort } from '#src/abort.js';

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

describe('after so much computing', () => {
  afterEach(() => vi.useRealTimers());

  it('calls back once the process has computed for as long, however long that takes', () => {
    vi.useFakeTimers();
    let used = 500;
    let calls = 0;
    afterComputing(
      100,
      () => calls++,
      () => used,
    );
    vi.advanceTimersByTime(1000);
    expect(calls).toBe(0);
    used += 60;
    vi.advanceTimersByTime(1000);
    expect(calls).toBe(0);
    used += 40;
    vi.advanceTimersByTime(100);
    expect(calls).toBe(1);
    vi.advanceTimersByTime(10_000);
    expect(calls).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('but not before that by the clock, of a process that computes on several cores, nor after it was forgotten', () => {
    vi.useFakeTimers();
    let used = 0;
    let calls = 0;
    const forget = afterComputing(
      100,
      () => calls++,
      () => used,
    );
    used = 1000;
    vi.advanceTimersByTime(99);
    expect(calls).toBe(0);
    forget();
    vi.advanceTimersByTime(1000);
    expect(calls).toBe(0);
  });
});
