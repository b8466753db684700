declare const compiled: unique symbol;

/** Compiled code, which threads can be sent: Node's `WebAssembly.Module`. Only the types of browsers declare that. */
export interface WasmModule {
  readonly [compiled]: true;
}

interface WebAssemblyApi {
  readonly compile: (bytes: Uint8Array) => Promise<WasmModule>;
  readonly instantiate: (module: WasmModule, imports: object) => Promise<object>;
}

export const { compile, instantiate } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
