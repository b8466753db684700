import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { disableTelemetry, loadRuntime } from '../pool/runtime.js';
import type { GpuDevice } from '../device.js';
import type { GpuOrder, GpuReply } from './gpu-protocol.js';
import type { GpuWorkerData } from './gpu-worker.js';

// The process that computes on one device for its parent process: a graphics driver may crash, hang, or take others down
// with it. This thread only passes messages on, so that the next pixels come in while the device computes.

/**
 * Ends the process without a word to the runtime, which may be in the middle of something: exit handlers would wait for it, or
 * abort. The driver gives back what the device holds.
 */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

process.on('disconnect', end);
// A Ctrl-C or a service manager's signal goes to all processes of the group; the parent decides when its work is done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const) process.on(signal, () => undefined);

disableTelemetry();
const data: GpuWorkerData = { device: process.argv[2] as GpuDevice };
// The binary is loaded in this thread first: one that was loaded in a worker can't be loaded again.
const worker = loadRuntime().then(() => {
  const thread = new Worker(new URL('./gpu-worker.js', import.meta.url), { workerData: data, execArgv: [] });
  thread.on('message', (reply: GpuReply) => {
    process.send!(reply);
  });
  thread.on('error', (error: Error) => {
    console.error(error.message);
  });
  thread.on('exit', end);
  return thread;
});

process.on('message', (order: GpuOrder) => {
  if (order.kind !== 'batch') {
    void worker.then((thread) => {
      thread.postMessage(order);
    });
    return;
  }
  // What was received lies in the middle of a larger buffer.
  const pixels = order.pixels.slice();
  void worker.then((thread) => {
    thread.postMessage({ ...order, pixels }, [pixels.buffer]);
  });
});
if (!process.connected) end();
