import { join } from 'node:path';
import sharp from 'sharp';
import { encoderBytes } from '#src/image/codec/codec-memory.js';
import { mostWholePixels, stripBytes, stripRows } from '#src/image/strips/in-strips.js';
import { activationBytes, defaultMemoryBudget, planImage } from '#src/network/tiles/plan.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { mebibytes, percent } from './format.js';
import { geometryOf } from './geometry-of.js';
import type { Findings, Goal, Setting } from './measurement.js';
import { recordTiles, speedOf, warmUp } from './networks.js';
import { childProgram, command } from './paths.js';
import { photograph } from './pictures.js';
import { runNode } from './run-child.js';
import { summarise } from './statistics.js';

const threadCounts = [1, 2, 4];

interface Peak {
  readonly threads: number;
  /** Pixels; 0 where the network was only loaded. */
  readonly side: number;
  readonly images: number;
  readonly bytes: number;
}

/** Pictures for the command: what enlarges them, and their sides. */
const large = [
  ['natural', 12_000, 800],
  ['bicubic', 6000, 4000],
  ['bicubic', 12_000, 8000],
] as const;
const small = [['natural', 600, 400]] as const;

/** Bytes that the command takes before it has a picture, and for each thread besides its tile. */
const ownBytes = 100e6;
const threadBytes = 30e6;

/** 12,000×8,000 pixels on two threads. */
const mostBytes = 1.5e9;

/** Bytes of the largest tile that a network's threads cut of a picture, at the speed that it has here. */
async function tileBytes(
  label: string,
  threads: number,
  { width, height }: { readonly width: number; readonly height: number },
  cacheFolder: string,
): Promise<number> {
  await using network = await ThreadSafeNetwork.fromLabel(label, { scale: 2, threads, cacheFolder });
  const trial = await photograph(512);
  await warmUp(network, trial);
  const geometry = geometryOf(network);
  const { tiles } = planImage({
    ...{ width, height, geometry, threads },
    pixelsPerMs: speedOf(await recordTiles(network, trial)),
    memoryBudget: defaultMemoryBudget,
    tilePixels: undefined,
    acceptApproximation: false,
  });
  return Math.max(...tiles.map(({ work }) => work)) * activationBytes(geometry);
}

/**
 * Bytes that the command takes at most for one JPEG that it enlarges into another: a tile for each thread; the source twice, as it was decoded and where
 * all threads see it; the result; and its encoder. Where the result is made in strips, only these of the result.
 */
async function expectedBytes(
  network: string,
  threads: number,
  width: number,
  height: number,
  factor: number,
  cacheFolder: string,
): Promise<number> {
  const pixels = width * height;
  const result = pixels * factor ** 2;
  const isInStrips = result > mostWholePixels;
  const cut = { width, height: isInStrips ? stripRows(width) : height };
  const rest = ownBytes + threads * (threadBytes + (await tileBytes(network, threads, cut, cacheFolder)));
  if (isInStrips) return rest + stripBytes({ width, height }, 3, factor);
  return rest + 3 * (2 * pixels + result) + encoderBytes('jpeg', false, result);
}

interface Large {
  readonly network: string;
  readonly width: number;
  readonly height: number;
  /** Of the middle run. */
  readonly bytes: number;
  readonly highest: number;
  readonly expected: number;
}

/** One run in seven or so takes up to a third more than the others, when the garbage collector comes late. */
const runsOfEach = 3;

async function measureLarge({ quick, folder, cacheFolder, say }: Setting): Promise<Large[]> {
  const rows: Large[] = [];
  for (const [network, width, height] of quick ? small : large) {
    say(`memory of the command: ${network}, ${width}×${height}`);
    const file = join(folder, `${width}x${height}.jpg`);
    const { data } = await photograph(width, height);
    await sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
      .jpeg()
      .toFile(file);
    const flags = ['-m', network, '-x', '2', '-t', '2', '--no-cache', '-o', join(folder, 'large/')];
    const peaks: number[] = [];
    for (let run = 0; run < (quick ? 1 : runsOfEach); run++) {
      const { peakBytes } = await runNode([command, file, ...flags], { cacheFolder, watch: true });
      peaks.push(peakBytes ?? NaN);
    }
    const expected = await expectedBytes(network, 2, width, height, 2, cacheFolder);
    const { median, max } = summarise(peaks);
    rows.push({ network, width, height, bytes: median, highest: max, expected });
  }
  return rows;
}

/** The most memory that a process of its own holds while it upscales, against threads and image size. */
export async function measureMemory(setting: Setting): Promise<Findings> {
  const { quick, cacheFolder, say } = setting;
  const cases = [
    { side: 0, images: 1 },
    ...(quick ? [128, 256] : [512, 1024, 2048]).map((side) => ({ side, images: 1 })),
    { side: quick ? 128 : 512, images: 8 },
  ];
  const peakOf = async (args: readonly string[]): Promise<number> =>
    Number((await runNode(args, { cacheFolder })).stdout);
  // Prepares the weights, so that no case has to.
  await peakOf([childProgram('peak-memory'), '1', '0', '1']);

  const peaks: Peak[] = [];
  for (const { side, images } of cases) {
    for (const threads of threadCounts) {
      say(`memory: ${threads} threads, ${images} of ${side}×${side}`);
      const bytes = await peakOf([childProgram('peak-memory'), String(threads), String(side), String(images)]);
      peaks.push({ threads, side, images, bytes });
    }
  }
  const commands = await measureLarge(setting);
  const nodeBytes = await peakOf([childProgram('node-memory')]);
  const row = ({ side, images }: (typeof cases)[number]): string[] => [
    side === 0 ? 'loaded, nothing computed' : `${images} of ${side}×${side}`,
    ...peaks.filter((peak) => peak.side === side && peak.images === images).map(({ bytes }) => mebibytes(bytes)),
  ];
  return {
    tables: [
      {
        caption: `Peak resident memory, natural ×2, all images at once; Node alone: ${mebibytes(nodeBytes)}`,
        columns: ['', ...threadCounts.map((threads) => (threads === 1 ? '1 thread' : `${threads} threads`))],
        rows: cases.map(row),
      },
      {
        caption: 'Peak resident memory of the command, ×2, JPEG to JPEG, 2 threads',
        columns: ['', `middle of ${runsOfEach} runs`, 'highest', 'by the formula', 'off by'],
        rows: commands.map(({ network, width, height, bytes, highest, expected }) => [
          `${network}, ${width}×${height}`,
          mebibytes(bytes),
          mebibytes(highest),
          mebibytes(expected),
          percent(expected / bytes - 1, 0),
        ]),
      },
    ],
    goals: [
      ...commands.map(({ network, width, height, bytes, expected }): Goal => ({
        what: `memory of the command, ${network}, ${width}×${height}: off the formula by`,
        value: Math.abs(expected / bytes - 1),
        bound: { atMost: 0.2 },
        show: (share) => percent(share, 0),
      })),
      ...commands
        .filter(({ width }) => width === 12_000)
        .map(({ network, width, height, highest }): Goal => ({
          what: `memory of the command, ${network}, ${width}×${height}, two threads`,
          value: highest,
          bound: { atMost: mostBytes },
          show: mebibytes,
        })),
    ],
    figures: { nodeBytes, peaks: peaks.map((peak) => ({ ...peak })), commands: commands.map((each) => ({ ...each })) },
  };
}
