declare module 'onnxruntime-web/ort-wasm-simd-threaded.mjs' {
  import type { WasmModule } from './web-assembly.js';

  /** The part of Emscripten's settings that is used here. */
  export interface EmscriptenSettings {
    instantiateWasm?: (imports: object, done: (instance: object, module: WasmModule) => void) => object;
  }
  export default function instantiateRuntime(settings: EmscriptenSettings): Promise<unknown>;
}
