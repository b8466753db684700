import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { devices, type Device } from '../device.js';
import { loadRuntime } from '../pool/runtime.js';
import type { TrialResult } from './device-trial.js';
import { gpuEnvironment } from './gpu-environment.js';
import { firstLine } from './runtime-message.js';

/** A device, and whether it computes here. */
export interface DeviceReport {
  readonly name: Device;
  readonly works: boolean;
  /** Why it doesn't; one line. */
  readonly reason?: string;
  /** What it is called, where the system tells. */
  readonly adapter?: string;
  /** Its own memory, where the system tells. */
  readonly memoryBytes?: number;
  /** Whether its driver computes on the CPU, where the system tells. */
  readonly software?: boolean;
  /** Milliseconds of a trial run; undefined when it doesn't work. */
  readonly ms?: number;
  /** Milliseconds of the same on all cores of the CPU. */
  readonly cpuMs?: number;
}

const script = fileURLToPath(new URL('./device-trial.js', import.meta.url));

/** The first use of a graphics device compiles its programs, which takes seconds. */
const timeoutMs = 60_000;

const reports = new Map<Device, Promise<DeviceReport>>();

/**
 * Tries every device that the runtime was built for, the CPU included, with a real network.
 * @throws UNSUPPORTED_PLATFORM where the runtime can't be loaded
 */
export async function tryDevices(): Promise<DeviceReport[]> {
  const found: DeviceReport[] = [];
  // One after another: two drivers starting at once would tell less.
  for (const name of await builtInDevices()) found.push(await tryDevice(name));
  return found;
}

/** Tries one device, in a process of its own; the result is remembered for as long as this process lives. */
export function tryDevice(name: Device): Promise<DeviceReport> {
  let report = reports.get(name);
  if (!report) {
    report = trial(name);
    reports.set(name, report);
  }
  return report;
}

/** The devices that the runtime was built for on this platform. */
export async function builtInDevices(): Promise<Device[]> {
  const runtime = await loadRuntime();
  const names = runtime.listSupportedBackends().map(({ name }) => name);
  return devices.filter((device) => names.includes(device));
}

async function trial(name: Device): Promise<DeviceReport> {
  const builtIn = await builtInDevices();
  if (!builtIn.includes(name)) {
    const reason = `onnxruntime-node has no ${name} on ${process.platform} ${process.arch}, only ${builtIn.join(', ')}`;
    return { name, works: false, reason };
  }
  const result = await runTrial(name);
  if (!result.works) return { name, works: false, reason: firstLine(result.reason) };
  const { adapter, ms, cpuMs } = result;
  return {
    name,
    works: true,
    ...(adapter.name !== undefined && { adapter: adapter.name }),
    ...(adapter.memoryBytes !== undefined && { memoryBytes: adapter.memoryBytes }),
    software: adapter.software,
    ms,
    cpuMs,
  };
}

/** What the trial's process printed; how it ended counts only when it printed nothing. */
function runTrial(name: Device): Promise<TrialResult> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, name], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: gpuEnvironment(),
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    child.on('error', (error) => {
      resolve({ works: false, reason: error.message });
    });
    child.on('close', (code, signal) => {
      const result = findTrialResult(printed);
      if (result) resolve(result);
      else if (child.killed) resolve({ works: false, reason: `no answer within ${timeoutMs / 1000} s` });
      else resolve({ works: false, reason: signal ? `it crashed (${signal})` : `it ended with code ${code}` });
    });
  });
}

/** The result among the lines that a trial's process printed; drivers print lines of their own, which may look like it. */
export function findTrialResult(printed: string): TrialResult | undefined {
  return printed.split('\n').map(parse).findLast(isTrialResult);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isTrialResult(value: unknown): value is TrialResult {
  return typeof value === 'object' && value !== null && 'works' in value && typeof value.works === 'boolean';
}
