import { processors, type ProcessorDevice } from '#src/network/device.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { fixed, mebibytes, spread } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { childProgram } from './paths.js';
import { photograph } from './pictures.js';
import { inRounds } from './rounds.js';
import { runNode } from './run-child.js';
import { ratios, summarise, timed } from './statistics.js';

const networks = [
  { label: 'natural', scale: 2, side: 256 },
  { label: 'art', scale: 2, side: 256 },
  { label: 'real', scale: 4, side: 64 },
] as const;

/** Runs before those that count: V8 compiles code that is used much a second time, better. */
const warmUps = 6;

/** What it costs to compute in WebAssembly instead of native code. */
export async function measureWasm(setting: Setting): Promise<Findings> {
  const { cacheFolder, say, quick } = setting;
  const rows: { name: string; threads: number; cpu: number[]; wasm: number[]; times: number[] }[] = [];
  for (const { label, scale, side } of networks) {
    const picture = await photograph(quick ? side / 4 : side);
    for (const threads of [1, 2]) {
      say(`wasm: ${label} ×${scale} on ${threads} threads`);
      const load = (device: ProcessorDevice): Promise<ThreadSafeNetwork> =>
        ThreadSafeNetwork.fromLabel(label, { scale, threads, device, cacheFolder });
      await using cpu = await load('cpu');
      await using wasm = await load('wasm');
      const run = (network: ThreadSafeNetwork) => async (): Promise<number> =>
        (await timed(() => network.upscaleImage(picture))).wallMs;
      for (let round = 0; round < (quick ? 1 : warmUps); round++) await run(wasm)();
      await run(cpu)();
      const megapixels = picture.width * picture.height * 1e-3;
      const found = await inRounds(setting, { cpu: run(cpu), wasm: run(wasm) });
      const [native, inWasm] = [found.cpu, found.wasm].map((all) => all.map((ms) => megapixels / ms));
      rows.push({
        name: `${label} ×${scale}, ${picture.width}²`,
        threads,
        cpu: native!,
        wasm: inWasm!,
        times: ratios(found.wasm, found.cpu),
      });
    }
  }
  const starts = [];
  for (const device of processors) {
    for (const threads of [1, 2]) {
      say(`wasm: start and memory of ${device} on ${threads} threads`);
      const side = quick ? 32 : 256;
      const args = (pixels: number): string[] => [
        childProgram('peak-memory'),
        String(threads),
        String(pixels),
        '1',
        device,
      ];
      const loading = await inRounds(setting, {
        load: async () => (await runNode(args(0), { cacheFolder })).wallMs,
      });
      const peak = Number((await runNode(args(side), { cacheFolder })).stdout);
      starts.push({ device, threads, load: loading.load, peak });
    }
  }
  return {
    tables: [
      {
        caption: `Megapixels of input a second, median (least–most) of ${setting.pairs} rounds`,
        columns: ['', 'threads', 'cpu', 'wasm', 'times the time'],
        rows: rows.map(({ name, threads, cpu, wasm, times }) => [
          name,
          String(threads),
          spread(summarise(cpu), rate),
          spread(summarise(wasm), rate),
          spread(summarise(times)),
        ]),
      },
      {
        caption:
          'A process that loads natural ×2, prepared before, and ends; its peak memory once it has enlarged a picture',
        columns: ['device', 'threads', 'from start to end, ms', 'memory'],
        rows: starts.map(({ device, threads, load, peak }) => [
          device,
          String(threads),
          spread(summarise(load), (value) => fixed(value, 0)),
          mebibytes(peak),
        ]),
      },
    ],
    goals: [],
    figures: { rows, starts },
  };
}

const rate = (value: number): string => fixed(value, 3);
