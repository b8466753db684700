import type { WasmModule } from './web-assembly.js';
import { loadRuntime, type SessionRuntime } from './runtime.js';

/**
 * The runtime that a thread computes with.
 * @param wasm the runtime in WebAssembly, compiled; undefined for the native one
 */
export async function runtimeFor(wasm: WasmModule | undefined): Promise<SessionRuntime> {
  if (wasm === undefined) return loadRuntime();
  const { loadWasmRuntime } = await import('./wasm-runtime.js');
  return loadWasmRuntime(wasm);
}
