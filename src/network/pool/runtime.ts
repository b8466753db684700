import type * as Ort from 'onnxruntime-node';
import { UpresError } from '../../errors.js';
import type { ProcessorDevice } from '../device.js';

export type Runtime = typeof Ort;

/** What computing needs of a runtime, native or in WebAssembly. */
export type SessionRuntime = Pick<Runtime, 'InferenceSession' | 'Tensor'>;

/** The release of onnxruntime-node, which package.json pins, and of onnxruntime-web: no other is used. */
export const runtimeVersion = '1.30.0';

/**
 * Switches the runtime's telemetry off. Since 1.29 the runtime reports usage over the network unless it finds this variable
 * when its binary is loaded, and setting it in a worker changes only that worker's copy: so the main thread calls this
 * before anything can load the binary.
 */
export function disableTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY = '1';
}

let loading: Promise<Runtime> | undefined;

/**
 * Loads the runtime, once. In the main thread too, although only threads compute: a binary that was first loaded in a worker
 * can't be loaded again after that worker has ended.
 * @throws UNSUPPORTED_PLATFORM where the runtime has no binary for this machine
 */
export function loadRuntime(): Promise<Runtime> {
  disableTelemetry();
  loading ??= import('onnxruntime-node').then(
    (module) => {
      // A CommonJS package: its exports are on `default`, and named ones depend on Node's guess.
      const runtime = (module as unknown as { default?: Runtime }).default ?? module;
      runtime.env.logLevel = 'error';
      return runtime;
    },
    (cause: unknown) => {
      loading = undefined;
      throw new UpresError(
        'UNSUPPORTED_PLATFORM',
        `onnxruntime-node ${runtimeVersion} can't be loaded on ${process.platform}/${process.arch}: it runs on Linux with glibc 2.28 or ` +
          'newer (x64, arm64; not Alpine), Windows (x64, arm64) and macOS (arm64). Elsewhere the device wasm computes, with onnxruntime-web',
        { cause },
      );
    },
  );
  return loading;
}

const common = {
  // Threads are ours: one session, one core.
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  // Patterns are kept for each input shape, and tiles come in many; the plain arena is as fast and forgets shapes.
  enableMemPattern: false,
  enableCpuMemArena: true,
  logSeverityLevel: 3,
} as const satisfies Ort.InferenceSession.SessionOptions;

/** Black areas make denormal numbers, which cost a hundred times as much as others. */
const session = { set_denormal_as_zero: '1' };

/** Options for a graph as its author wrote it: the runtime optimises it in memory. */
export function optimisingOptions(device: ProcessorDevice): Ort.InferenceSession.SessionOptions {
  // onnxruntime-web writes into what it is given.
  return { ...common, executionProviders: [device], graphOptimizationLevel: 'all', extra: { session: { ...session } } };
}

/** Options for a graph that was optimised before and whose weights are to be mapped: nothing may be rewritten, or it is copied. */
export function mappingOptions(): Ort.InferenceSession.SessionOptions {
  return { ...common, executionProviders: ['cpu'], graphOptimizationLevel: 'disabled', extra: { session } };
}

/**
 * Options that write the optimised graph to a file, its weights to another next to it.
 * @param path file of the graph, absolute
 * @param weightsName name of the file of weights in the same folder
 */
export function writingOptions(path: string, weightsName: string): Ort.InferenceSession.SessionOptions {
  return {
    ...common,
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    optimizedModelFilePath: path,
    extra: {
      session: {
        ...session,
        optimized_model_external_initializers_file_name: weightsName,
        optimized_model_external_initializers_min_size_in_bytes: '1024',
      },
    },
  };
}
