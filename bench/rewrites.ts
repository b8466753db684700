import { modelFromLabel } from '#src/model/catalogue/model.js';
import { optimisingOptions, type SessionRuntime } from '#src/network/pool/runtime.js';
import { runtimeFor } from '#src/network/pool/session-runtime.js';
import { compileWasm } from '#src/network/pool/wasm-runtime.js';
import { fixed, spread } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { noise, photograph } from './pictures.js';
import { inRounds } from './rounds.js';
import { ratios, summarise, timed } from './statistics.js';

/** The network whose activations are PReLUs, which the rewrites change most. */
const networks = [{ label: 'real', scale: 4 }] as const;

/** What PReLU costs depends on how often its inputs change their sign from one pixel to the next. */
const contents = ['noise', 'photograph'] as const;
type Content = (typeof contents)[number];

/** What computes: native code, and WebAssembly, whose kernels are others. */
const devices = ['cpu', 'wasm'] as const;

/** The network, the side of the square (larger ones leave the caches), and the times as fast that it should be in native code. */
const goal = { label: 'real', side: 64, atLeast: 1.45 };

/** How much faster networks run in the form into which they are rewritten, on one thread and bare of the engine. */
export async function measureRewrites(setting: Setting): Promise<Findings> {
  const sides = setting.quick ? [goal.side] : [goal.side, 128, 192];
  const rows: {
    name: string;
    device: (typeof devices)[number];
    content: Content;
    side: number;
    rewritten: number[];
    original: number[];
    gain: number[];
  }[] = [];
  for (const [{ label, scale }, device] of networks.flatMap((each) =>
    devices.map((device) => [each, device] as const),
  )) {
    const runtime = await runtimeFor(device === 'wasm' ? await compileWasm() : undefined);
    const { core, reference } = await (await modelFromLabel(label, scale)).build();
    const rewritten = await runtime.InferenceSession.create(core, optimisingOptions(device));
    const original = await runtime.InferenceSession.create(reference, optimisingOptions(device));
    for (const [content, side] of contents.flatMap((content) => sides.map((side) => [content, side] as const))) {
      setting.say(`rewrites of ${label} ×${scale}, ${device}, ${content}, ${side}²`);
      const works = {
        rewritten: await runOf(runtime, rewritten, content, side),
        original: await runOf(runtime, original, content, side),
      };
      // Memory is taken in the first run.
      await works.rewritten();
      await works.original();
      const times = await inRounds(setting, works);
      const gain = ratios(times.original, times.rewritten);
      rows.push({ name: `${label} ×${scale}`, device, content, side, ...times, gain });
    }
    await rewritten.release();
    await original.release();
  }
  const judged = rows.filter(
    ({ name, side, device }) => device === 'cpu' && name.startsWith(goal.label) && side === goal.side,
  );
  return {
    tables: [
      {
        caption: `One thread, one tile: median (least–most) of ${setting.pairs} rounds`,
        columns: ['', 'by', 'of', 'tile', 'as its author wrote it, ms', 'rewritten, ms', 'times as fast'],
        rows: rows.map(({ name, device, content, side, rewritten, original, gain }) => [
          name,
          device,
          content,
          `${side}²`,
          spread(summarise(original), whole),
          spread(summarise(rewritten), whole),
          spread(summarise(gain)),
        ]),
      },
    ],
    goals: judged.map(({ content, gain }) => ({
      what: `the speed of ${goal.label} rewritten against unrewritten, on ${goal.side}×${goal.side} pixels of ${content}`,
      value: summarise(gain).median,
      bound: { atLeast: goal.atLeast },
      show: (value) => fixed(value, 3),
    })),
    figures: rows,
  };
}

const whole = (value: number): string => fixed(value, 0);

type Session = Awaited<ReturnType<SessionRuntime['InferenceSession']['create']>>;

/** A run that gives its milliseconds. */
async function runOf(
  runtime: SessionRuntime,
  session: Session,
  content: Content,
  side: number,
): Promise<() => Promise<number>> {
  const { data } = content === 'noise' ? noise(side) : await photograph(side);
  const plane = side * side;
  const floats = Float32Array.from({ length: 3 * plane }, (_, index) => {
    return data[(index % plane) * 3 + Math.floor(index / plane)]! / 255;
  });
  return async () => {
    const input = new runtime.Tensor('float32', floats, [1, 3, side, side]);
    return (await timed(() => session.run({ input }))).wallMs;
  };
}
