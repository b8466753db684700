import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type Libc from 'detect-libc';
import { messageOf, UpresError } from '../errors.js';
import { checkDevice, isProcessor, type DeviceChoice, type ProcessorDevice } from './device.js';
import { native } from './native-state.js';

// Which of the two runtimes computes on this machine's processor, where a user leaves that to us: the native one (`cpu`) where it can
// be loaded, else the one in WebAssembly (`wasm`).

/** The oldest C library that the native runtime was linked for. */
const oldestGlibc = '2.28';

/**
 * Why the native runtime has no binary that this machine could load, as far as files and versions tell: it is cheap, and nothing is
 * loaded. Undefined where nothing speaks against it.
 */
function nativeObjection(): string | undefined {
  if (native.objection === undefined) native.objection = findObjection() ?? null;
  return native.objection ?? undefined;
}

/** The device for those who name none, by what can be known without loading a runtime: the one that names results in caches. */
export function expectedDevice(): DeviceChoice {
  return namedByEnvironment() ?? expectedProcessor();
}

/**
 * The device for those who name none, and are about to compute: here the native runtime is really loaded.
 * @throws BAD_ARGUMENT where the environment's `UPRES_DEVICE` names none
 */
export async function workingDevice(): Promise<DeviceChoice> {
  return namedByEnvironment() ?? workingProcessor();
}

function expectedProcessor(): ProcessorDevice {
  return nativeObjection() === undefined ? 'cpu' : 'wasm';
}

/** `cpu` where the native runtime can be loaded, else `wasm`, with a warning (`UPRES_WASM`, once in a process). */
export async function workingProcessor(): Promise<ProcessorDevice> {
  const named = namedByEnvironment();
  if (named !== undefined && isProcessor(named)) return named;
  const reason = await nativeProblem();
  if (reason === undefined) return 'cpu';
  warnOfWasm(reason);
  return 'wasm';
}

/** Why the native runtime can't be loaded, having tried it: in the main thread, since it is not for workers to load it first. */
export async function nativeProblem(): Promise<string | undefined> {
  const known = nativeObjection();
  if (known !== undefined || !isMainThread) return known;
  const { loadRuntime } = await import('./pool/runtime.js');
  try {
    await loadRuntime();
    return undefined;
  } catch (error) {
    native.objection = reasonOf(error);
    return native.objection;
  }
}

/**
 * The device that `UPRES_DEVICE` names; undefined where it is empty or not set.
 * @throws BAD_ARGUMENT where it names none
 */
export function namedByEnvironment(): DeviceChoice | undefined {
  const { UPRES_DEVICE: name } = process.env;
  if (name === undefined || name === '') return undefined;
  try {
    return checkDevice(name);
  } catch (error) {
    throw new UpresError('BAD_ARGUMENT', `UPRES_DEVICE: ${messageOf(error)}`, { cause: error });
  }
}

function findObjection(): string | undefined {
  const { platform, arch, versions } = process;
  if (versions.webcontainer !== undefined) return 'containers in a browser load no native code';
  const require = createRequire(import.meta.url);
  let folder;
  try {
    folder = dirname(require.resolve('onnxruntime-node/package.json'));
  } catch {
    return 'onnxruntime-node is not installed';
  }
  if (!existsSync(join(folder, 'bin', 'napi-v6', platform, arch, 'onnxruntime_binding.node'))) {
    return `onnxruntime-node has no binary for ${platform}/${arch}`;
  }
  if (platform !== 'linux' || isOfficialNode()) return undefined;
  // Loaded only where a network is to be used.
  const { familySync, MUSL, versionSync } = require('detect-libc') as typeof Libc;
  if (familySync() === MUSL) return 'onnxruntime-node has no binary for musl, the C library of this system';
  const glibc = versionSync();
  return glibc !== null && isOlder(glibc, oldestGlibc)
    ? `onnxruntime-node needs glibc ${oldestGlibc} or newer, and this system has ${glibc}`
    : undefined;
}

/** The releases of nodejs.org ask for that glibc, too, or they don't start: where one runs, the C library needs no looking. */
function isOfficialNode(): boolean {
  return process.release.headersUrl?.startsWith('https://nodejs.org/download/release/') ?? false;
}

/** Of versions such as `2.28`, which sort neither as texts nor as numbers. */
function isOlder(version: string, oldest: string): boolean {
  const [[major = 0, minor = 0], [leastMajor = 0, leastMinor = 0]] = [numbers(version), numbers(oldest)];
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

const numbers = (version: string): number[] => version.split('.').map(Number);

/** What the system said, where it was asked. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return messageOf(cause ?? error).split('\n', 1)[0]!;
}

function warnOfWasm(reason: string): void {
  if (native.warned) return;
  native.warned = true;
  process.emitWarning(`computing in WebAssembly, about four times slower than native code: ${reason}`, {
    type: 'UpresWarning',
    code: 'UPRES_WASM',
  });
}
