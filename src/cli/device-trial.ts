import { modelFromLabel } from '../model/model.js';
import { loadRuntime } from '../network/runtime.js';
import type { Runtime } from '../network/runtime.js';

// A process of its own, started by devices.ts: a graphics driver may crash, hang, or take others down with it.

const side = 48;

/** What the trial prints, as one line of JSON. */
export type TrialResult =
  { readonly works: true; readonly difference: number } | { readonly works: false; readonly reason: string };

/** Runs `natural` once on the device and once on the CPU, and tells the largest difference of their results (0..1). */
async function tryDevice(device: string): Promise<TrialResult> {
  const runtime = await loadRuntime();
  const { core } = await (await modelFromLabel('natural', 2)).build();
  const expected = await compute(runtime, core, 'cpu');
  const actual = await compute(runtime, core, device);
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(expected[i]! - actual[i]!);
    // Written so that NaN counts as a difference.
    if (!(d <= difference)) difference = d;
  }
  return difference <= 0.01
    ? { works: true, difference }
    : { works: false, reason: `its results are wrong: they differ by ${difference} from the CPU's` };
}

async function compute(runtime: Runtime, core: Uint8Array, device: string): Promise<Float32Array> {
  const session = await runtime.InferenceSession.create(core, { executionProviders: [device], logSeverityLevel: 4 });
  // A fixed pattern with all frequencies in it.
  const pixels = Float32Array.from({ length: 3 * side * side }, (_, i) => ((i * 7919) % 257) / 256);
  const { output } = await session.run({ input: new runtime.Tensor('float32', pixels, [1, 3, side, side]) });
  const data = output!.data as Float32Array;
  await session.release();
  return data;
}

tryDevice(process.argv[2] ?? 'cpu').then(
  (result) => {
    console.log(JSON.stringify(result));
  },
  (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    console.log(JSON.stringify({ works: false, reason } satisfies TrialResult));
  },
);
