import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ThreadState } from '#src/network/pool/thread-state.js';

describe('the state that a thread and the main thread share', () => {
  it('says that the thread computes while it does', async () => {
    const state = new ThreadState();
    const seen = new ThreadState(state.buffer);
    expect(seen.computing).toBe(false);
    await state.guard(async () => {
      expect(seen.computing).toBe(true);
      await Promise.resolve();
      expect(seen.computing).toBe(true);
    });
    expect(seen.computing).toBe(false);
  });

  it('gives back what the guarded work gives', async () => {
    expect(await new ThreadState().guard(() => Promise.resolve(42))).toBe(42);
  });

  it('is idle again when the guarded work failed', async () => {
    const state = new ThreadState();
    await expect(state.guard(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(state.computing).toBe(false);
  });

  it('lets no work begin after the stop, and is not busy then', async () => {
    const state = new ThreadState();
    new ThreadState(state.buffer).stop();
    let began = false;
    const result = await state.guard(() => {
      began = true;
      return Promise.resolve(1);
    });
    expect({ result, began, computing: state.computing, stopping: state.stopping }).toEqual({
      result: undefined,
      began: false,
      computing: false,
      stopping: true,
    });
  });

  it('does not wait for a thread that is idle', () => {
    expect(new ThreadState().waitUntilIdle(performance.now() + 60_000)).toBe(true);
  });

  it('gives up waiting at the deadline', async () => {
    const state = new ThreadState();
    await state.guard(() => {
      expect(state.waitUntilIdle(performance.now() + 20)).toBe(false);
      expect(state.waitUntilIdle(performance.now() - 1)).toBe(false);
      return Promise.resolve();
    });
  });

  it('wakes whoever waits when the work of another thread ends', async () => {
    const state = new ThreadState();
    const worker = new Worker(new URL('./fixtures/guarded-work.js', import.meta.url), {
      workerData: { state: state.buffer },
      execArgv: [],
    });
    await new Promise((resolve) => worker.once('message', resolve));
    expect(state.computing).toBe(true);
    state.stop();
    // Blocks this thread, as the end of a process does; no message is read meanwhile.
    expect(state.waitUntilIdle(performance.now() + 60_000)).toBe(true);
    await worker.terminate();
  });
});
