import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadRuntime } from '../network/runtime.js';
import type { TrialResult } from './device-trial.js';

/** A device that the runtime was built for, and whether it computes here. */
export interface Device {
  readonly name: string;
  readonly works: boolean;
  /** Why it doesn't; one line. */
  readonly reason?: string;
}

const script = fileURLToPath(new URL('./device-trial.js', import.meta.url));

/** The first use of a graphics device compiles its programs, which takes seconds. */
const patience = 60_000;

/** Tries every device of the runtime with a real network. */
export async function tryDevices(): Promise<Device[]> {
  const runtime = await loadRuntime();
  const devices: Device[] = [];
  // One after another: two drivers starting at once would tell less.
  for (const { name } of runtime.listSupportedBackends()) devices.push({ name, ...(await tryDevice(name)) });
  return devices;
}

async function tryDevice(name: string): Promise<{ works: boolean; reason?: string }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, name], {
      timeout: patience,
      killSignal: 'SIGKILL',
    });
    const result = JSON.parse(stdout) as TrialResult;
    return result.works ? { works: true } : { works: false, reason: firstLine(result.reason) };
  } catch (error) {
    const { killed, signal } = error as { killed?: boolean; signal?: string };
    if (killed) return { works: false, reason: `no answer within ${patience / 1000} s` };
    return { works: false, reason: signal ? `it crashed (${signal})` : firstLine(String(error)) };
  }
}

/** Without the place in the runtime's sources that it begins with. */
function firstLine(text: string): string {
  return text
    .trim()
    .split('\n')[0]!
    .replace(/^\/onnxruntime_src\/.*? was false\. /, '');
}
