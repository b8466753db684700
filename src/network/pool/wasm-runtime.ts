import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type * as Web from 'onnxruntime-web';
import { hasCode, UpresError } from '../../errors.js';
import importPeer from '../../import-peer.cjs';
import { runtimeVersion, type SessionRuntime } from './runtime.js';
import { compile, type WasmModule } from './web-assembly.js';

/** The binary of onnxruntime-web that its entry for Node takes. */
const binary = 'onnxruntime-web/ort-wasm-simd-threaded.wasm';

/** Said wherever it is missing: it is no dependency, since few need it. */
const installCommand = `npm install onnxruntime-web@${runtimeVersion}`;

let compiling: Promise<WasmModule> | undefined;

/**
 * Compiles the runtime, once in a process: threads get the module, which shares the machine code with them.
 * @throws UNSUPPORTED_PLATFORM where onnxruntime-web is not installed, or another release of it
 */
export function compileWasm(): Promise<WasmModule> {
  compiling ??= compileInstalled().catch((error: unknown) => {
    // It may be installed meanwhile.
    compiling = undefined;
    throw error;
  });
  return compiling;
}

async function compileInstalled(): Promise<WasmModule> {
  const objection = wasmObjection();
  if (objection !== undefined)
    throw new UpresError('UNSUPPORTED_PLATFORM', `the device wasm can't be used: ${objection}`);
  return compile(await readFile(createRequire(import.meta.url).resolve(binary)));
}

/** Why the runtime can't be loaded; undefined where nothing speaks against it. */
export function wasmObjection(): string | undefined {
  const found = installedVersion();
  if (found === runtimeVersion) return undefined;
  const what = found === undefined ? 'onnxruntime-web is not installed' : `onnxruntime-web is installed as ${found}`;
  return `${what}: run "${installCommand}"`;
}

/** The release of onnxruntime-web that is installed; undefined where there is none. */
export function installedVersion(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    // Its exports hide package.json, and those of older releases the binary.
    const path = require
      .resolve('onnxruntime-web')
      .replace(/(onnxruntime-web[\\/])dist[\\/][^\\/]*$/, '$1package.json');
    return (require(path) as { version: string }).version;
  } catch (error) {
    if (hasCode(error, 'MODULE_NOT_FOUND')) return undefined;
    throw error;
  }
}

let loading: Promise<SessionRuntime> | undefined;

/**
 * Loads the runtime in a thread of its own: it sets a global `Worker`, which would mislead others in the main thread. It fetches
 * nothing, and knows no telemetry.
 * @param module what `compileWasm` gave in the main thread
 */
export function loadWasmRuntime(module: WasmModule): Promise<SessionRuntime> {
  loading ??= load(module);
  return loading;
}

async function load(module: WasmModule): Promise<SessionRuntime> {
  const { env, InferenceSession, Tensor } = (await importPeer('onnxruntime-web')) as typeof Web;
  const { provideModule } = await import('./wasm-factory.js');
  provideModule(module);
  env.logLevel = 'error';
  env.wasm.numThreads = 1;
  env.wasm.wasmPaths = { mjs: new URL('./wasm-factory.js', import.meta.url).href };
  return { InferenceSession, Tensor };
}
