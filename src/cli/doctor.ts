import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import path from 'node:path';
import { exitCodes, messageOf, UpresError } from '../errors.js';
import { instructionSets } from '../network/machine-class.js';
import { tryDevices } from '../network/gpu/index.js';
import type { DeviceReport } from '../network/gpu/try-device.js';
import { loadRuntime } from '../network/pool/runtime.js';
import { installedVersion } from '../network/pool/wasm-runtime.js';
import { defaultCacheFolder } from '../network/weights/cache-folder.js';
import { version } from '../version.js';
import { selfTest, type Speed } from './self-test.js';
import { print } from './streams.js';
import { digits, duration } from './words.js';

type Checked<T> = T | { readonly error: { readonly code: string; readonly message: string } };

interface Processor {
  readonly model: string;
  /** Cores of the machine, as the system counts them. */
  readonly cores: number;
  /** Of these, how many this process may use. */
  readonly usable: number;
  /** Instruction sets that decide the speed; undefined where the system doesn't tell. */
  readonly features: readonly string[] | undefined;
  /** Bytes. */
  readonly memory: number;
}

interface Findings {
  readonly versions: Readonly<Record<string, string>>;
  readonly platform: string;
  readonly processor: Processor;
  readonly cache: { readonly folder: string; readonly writable: boolean; readonly reason?: string };
  readonly devices: Checked<readonly DeviceReport[]>;
  readonly speed: Checked<Speed>;
}

/**
 * `upres doctor`: what there is, tried rather than assumed.
 * @returns the exit code: 1 when upres can't work here
 */
export async function doctor({ json }: { json: boolean }): Promise<number> {
  const findings: Findings = {
    versions: await versions(),
    platform: `${process.platform} ${process.arch}`,
    processor: await describeProcessor(),
    cache: await tryCache(defaultCacheFolder()),
    devices: await checked(tryDevices),
    speed: await checked(selfTest),
  };
  for (const line of json ? [JSON.stringify(findings)] : describe(findings)) print(line);
  return 'error' in findings.speed ? exitCodes.someFailed : exitCodes.ok;
}

async function versions(): Promise<Record<string, string>> {
  const sharp = await import('sharp').then(
    (module) => module.default.versions,
    () => undefined,
  );
  const runtime = await loadRuntime().catch(() => undefined);
  const missing = 'cannot be loaded';
  return {
    upres: version,
    node: process.versions.node,
    'onnxruntime-node': runtime?.env.versions.node ?? missing,
    'onnxruntime-web': installedVersion() ?? 'not installed (only the device wasm needs it)',
    sharp: sharp?.sharp ?? missing,
    libvips: sharp?.vips ?? missing,
  };
}

async function tryCache(folder: string): Promise<Findings['cache']> {
  const file = path.join(folder, `doctor-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(file, 'upres doctor');
    return { folder, writable: true };
  } catch (error) {
    return { folder, writable: false, reason: messageOf(error) };
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

async function checked<T>(work: () => Promise<T>): Promise<Checked<T>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UpresError) return { error: { code: error.code, message: error.message } };
    throw error;
  }
}

function describe({ versions: found, platform, processor, cache, devices, speed }: Findings): string[] {
  const rows: [string, string][] = [
    ...Object.entries(found),
    ['platform', platform],
    ['processor', processor.model],
    ['instructions', processor.features?.join(' ') ?? 'not told by this system'],
    ['cores', `${processor.cores}, of which ${processor.usable} may be used`],
    ['memory', `${digits(processor.memory / 2 ** 30)} GiB`],
    ['cache folder', `${cache.folder} (${cache.writable ? 'writable' : `not writable: ${cache.reason ?? ''}`})`],
  ];
  if ('error' in devices) rows.push(['devices', `${devices.error.message} [${devices.error.code}]`]);
  else {
    for (const device of devices) rows.push([`device ${device.name}`, describeDevice(device)]);
  }
  if ('error' in speed) rows.push(['self-test', `failed: ${speed.error.message} [${speed.error.code}]`]);
  else {
    const { model, threads, pixelsPerSecond, startMs } = speed;
    const perThread = `${digits(pixelsPerSecond / threads / 1e6)} MP/s per thread`;
    rows.push([
      'self-test',
      `${model}, ${threads} threads: ${perThread}, ${digits(pixelsPerSecond / 1e6)} MP/s in all`,
    ]);
    rows.push(['start', `${duration(startMs / 1000)} until the network was ready`]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

function describeDevice({ name, works, reason, adapter, memoryBytes, software, ms, cpuMs }: DeviceReport): string {
  if (!works) return `doesn't work: ${reason ?? ''}`;
  const comparison = cpuMs === undefined ? '' : ` (cpu: ${digits(cpuMs)} ms)`;
  // The processor and the machine's memory have lines of their own.
  if (name === 'cpu') return 'works';
  if (name === 'wasm') return `works: ${digits(ms!)} ms for a trial on one thread${comparison}`;
  const facts = [
    adapter ?? 'name unknown',
    memoryBytes === undefined ? 'memory unknown' : `${digits(memoryBytes / 2 ** 30)} GiB`,
    ...(software ? ['a driver that computes on the CPU'] : []),
    ...(ms === undefined ? [] : [`${digits(ms)} ms for a trial${comparison}`]),
  ];
  return `works: ${facts.join(', ')}`;
}

async function describeProcessor(): Promise<Processor> {
  const list = cpus();
  return {
    model: list[0]?.model.trim() ?? 'unknown',
    cores: list.length,
    usable: availableParallelism(),
    features: await instructionSets(),
    memory: totalmem(),
  };
}
