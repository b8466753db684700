import type { InferenceSession } from 'onnxruntime-node';
import { modelFromLabel } from '../../model/catalogue/model.js';
import { loadRuntime, optimisingOptions, type SessionRuntime } from '../pool/runtime.js';
import { compileWasm, loadWasmRuntime } from '../pool/wasm-runtime.js';
import { largestDifference, runOnPlane, testPattern } from '../proving.js';
import { describeAdapter, type Adapter } from './adapter.js';
import { messageOf } from '../../errors.js';

// A process of its own, started by try-device.ts: a graphics driver may crash, hang, or take others down with it.

/** Side of the square on which results are compared. */
const smallSide = 32;

/** Side of the square on which speed is compared: large enough that starting a run does not count. */
const largeSide = 384;

/** A device that is this many times slower on the small square is not asked for the large one: that would take minutes. */
const hopeless = 20;

/** Largest difference of results, of 0..1. */
const tolerance = 1e-3;

/** What the trial prints, as one line of JSON. */
export type TrialResult =
  | {
      readonly works: true;
      readonly adapter: Adapter;
      /** Milliseconds of a run on the device. */
      readonly ms: number;
      /** Of the same on all cores of the CPU, where native code runs there. */
      readonly cpuMs: number | undefined;
    }
  | { readonly works: false; readonly reason: string };

/** Runs `natural` on the device and on the CPU, compares their results, and then their speed. */
async function tryDevice(device: string): Promise<TrialResult> {
  if (device === 'wasm') return tryWasm();
  const runtime = await loadRuntime();
  const { core, reference } = await (await modelFromLabel('natural', 2)).build();
  const onCpu = await runtime.InferenceSession.create(core, { executionProviders: ['cpu'], logSeverityLevel: 4 });
  const onDevice = await runtime.InferenceSession.create(device === 'cpu' ? core : reference, {
    executionProviders: [device],
    logSeverityLevel: 4,
  });
  const expected = await run(runtime, onCpu, smallSide);
  const actual = await run(runtime, onDevice, smallSide);
  const difference = largestDifference(expected.data, actual.data);
  if (!(difference <= tolerance)) {
    return { works: false, reason: `its results are wrong: they differ by ${difference} from the CPU's` };
  }
  const adapter = device === 'cpu' ? { software: false } : await describeAdapter();
  const small = await compareSpeed(runtime, onDevice, onCpu, smallSide);
  if (device === 'cpu' || small.ms > hopeless * small.cpuMs) return { works: true, adapter, ...small };
  // The first run of a size allocates.
  await compareSpeed(runtime, onDevice, onCpu, largeSide);
  return { works: true, adapter, ...(await compareSpeed(runtime, onDevice, onCpu, largeSide)) };
}

/** The same for the runtime in WebAssembly, on one thread. It is tried, too, where there is nothing to compare it with. */
async function tryWasm(): Promise<TrialResult> {
  const runtime = await loadWasmRuntime(await compileWasm());
  const { core } = await (await modelFromLabel('natural', 2)).build();
  const inWasm = await runtime.InferenceSession.create(core, optimisingOptions('wasm'));
  const { data, ms: first } = await run(runtime, inWasm, smallSide);
  const { ms } = await run(runtime, inWasm, smallSide);
  const works = { works: true, adapter: { software: false }, ms: Math.min(first, ms) } as const;
  const native = await loadRuntime().catch(() => undefined);
  if (!native) return { ...works, cpuMs: undefined };
  const onCpu = await native.InferenceSession.create(core, { executionProviders: ['cpu'], logSeverityLevel: 4 });
  const difference = largestDifference((await run(native, onCpu, smallSide)).data, data);
  if (!(difference <= tolerance)) {
    return { works: false, reason: `its results are wrong: they differ by ${difference} from the CPU's` };
  }
  return { ...works, cpuMs: (await run(native, onCpu, smallSide)).ms };
}

async function compareSpeed(
  runtime: SessionRuntime,
  onDevice: InferenceSession,
  onCpu: InferenceSession,
  side: number,
): Promise<{ ms: number; cpuMs: number }> {
  const { ms } = await run(runtime, onDevice, side);
  const { ms: cpuMs } = await run(runtime, onCpu, side);
  return { ms, cpuMs };
}

async function run(
  runtime: SessionRuntime,
  session: InferenceSession,
  side: number,
): Promise<{ data: Float32Array; ms: number }> {
  const pixels = testPattern('float32', 3 * side * side) as Float32Array;
  const started = performance.now();
  const { data } = await runOnPlane(runtime, session, { data: pixels, width: side, height: side });
  return { data, ms: performance.now() - started };
}

function finish(result: TrialResult): void {
  // Ended without the runtime's own farewell, in which some drivers crash; what was printed must be out by then.
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.kill(process.pid, 'SIGKILL'));
}

tryDevice(process.argv[2] ?? 'cpu').then(finish, (error: unknown) => {
  finish({ works: false, reason: messageOf(error) });
});
