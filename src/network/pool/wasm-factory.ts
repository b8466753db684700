import type * as Glue from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import importPeer from '../../import-peer.cjs';
import { instantiate, type WasmModule } from './web-assembly.js';

// onnxruntime-web loads this file in place of its own glue of the same kind, to get a binary that was compiled before.

let provided: WasmModule | undefined;

/** Sets what sessions of this thread run in. */
export function provideModule(module: WasmModule): void {
  provided = module;
}

/** @param settings the library's own, of Emscripten's kind */
export default async function factory(settings: Glue.EmscriptenSettings): Promise<unknown> {
  const module = provided!;
  const glue = (await importPeer('onnxruntime-web/ort-wasm-simd-threaded.mjs')) as typeof Glue;
  return glue.default({
    ...settings,
    instantiateWasm: (imports, done) => {
      void instantiate(module, imports).then((instance) => {
        done(instance, module);
      });
      return {};
    },
  });
}
