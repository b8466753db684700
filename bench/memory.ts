import { mebibytes } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { childProgram } from './paths.js';
import { runNode } from './run-child.js';

const threadCounts = [1, 2, 4];

interface Peak {
  readonly threads: number;
  /** Pixels; 0 where the network was only loaded. */
  readonly side: number;
  readonly images: number;
  readonly bytes: number;
}

/** The most memory that a process of its own holds while it upscales, against threads and image size. */
export async function measureMemory({ quick, cacheFolder, say }: Setting): Promise<Findings> {
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
    ],
    goals: [],
    figures: { nodeBytes, peaks: peaks.map((peak) => ({ ...peak })) },
  };
}
