import { throwIfAborted } from '../../abort.js';
import { approximateOnly, worst, type Approximate } from '../../network/approximate.js';
import { onSharedMemory } from '../../network/pool/call.js';
import { dropSpare, giveBackShared, takeShared } from '../../network/pool/spare-memory.js';
import type { CallOptions } from '../../network/thread-safe-network.js';
import type { PixelImage, Progress } from '../../pixels.js';
import { inWindow } from '../codec/in-window.js';
import { settleRows } from '../dering/dering.js';
import { drawnColours, type Drawn } from '../dering/drawn-colours.js';
import { ReductionTrial } from '../dering/reduction.js';
import type { NetworkChain } from '../network-chain.js';
import type { PictureTimer } from '../picture-timer.js';
import { inStrips, stripsAtOnce, type Cut, type Rows } from './in-strips.js';
import { StripFile } from './strip-file.js';

export interface EnlargedStrips extends Approximate {
  readonly file: StripFile;
}

/**
 * The pixels that `enlargeFrames` makes of an opaque picture of 8 bits, in a file: of the result only a few strips are in memory.
 *
 * @throws DISK_FULL, OUTPUT_UNWRITABLE, and what networks throw
 */
export async function enlargeInStrips(
  source: PixelImage,
  chain: NetworkChain,
  { rows, around }: Cut,
  options: CallOptions & { readonly signal: AbortSignal },
  timer: PictureTimer,
): Promise<EnlargedStrips> {
  const { width, height, channels } = source;
  const { scale, settling } = chain;
  const { onProgress, ...call } = options;
  const drawn = settling && (await drawnColours(source));
  const trial = drawn && settling === 'faithful' ? await ReductionTrial.of(source, drawn, scale) : undefined;
  const strips = inStrips(height, rows);
  const withContext = ({ first, end }: Rows): Rows => ({
    first: Math.max(0, first - around),
    end: Math.min(height, end + around),
  });
  const progress = stripProgress(strips, width * chain.work, onProgress);
  const file = await StripFile.create({ width: width * scale, height: height * scale, channels });
  try {
    const told = await timer.inference(() =>
      inWindow(strips, stripsAtOnce, async (own, index) => {
        throwIfAborted(call.signal);
        const seen = withContext(own);
        const strip = await onSharedMemory(rowsOf(source, seen));
        const enlarged = await chain.enlarge(strip, { ...call, ...progress(index) });
        await trial?.look(enlarged, strip, seen.first, own.first, own.end);
        await writeOwn(file, enlarged, own, seen.first, scale);
        for (const { data } of [strip, enlarged]) giveBackShared(data.buffer);
        return approximateOnly(enlarged);
      }),
    );
    if (drawn) {
      const means = trial?.isArea === true ? 'opaque' : undefined;
      await inWindow(strips, stripsAtOnce, async (own) => {
        throwIfAborted(call.signal);
        // Cells are settled by the pixels next to theirs in the source; of as many rows, memory is used again.
        const seen = withContext(own);
        const strip = rowsOf(source, seen);
        const size = { width: width * scale, height: strip.height * scale, channels };
        const memory = takeShared(size.width * size.height * channels);
        const data = await file.readRows(seen.first * scale, seen.end * scale, memory);
        const enlarged = { ...size, data };
        const marks = drawnRows(drawn, width, seen);
        await settleRows(enlarged, strip, marks, settling, means, own.first - seen.first, own.end - seen.first);
        await writeOwn(file, enlarged, own, seen.first, scale);
        giveBackShared(memory);
      });
    }
    return { file, ...worst(told) };
  } catch (error) {
    await file.remove();
    throw error;
  } finally {
    dropSpare();
  }
}

/** Adds up the strips' progress, without the rows that several compute. */
function stripProgress(
  strips: readonly Rows[],
  work: number,
  report: ((progress: Progress) => void) | undefined,
): (index: number) => Pick<CallOptions, 'onProgress'> {
  const pixels = strips.map(({ first, end }) => (end - first) * work);
  const totalPixels = pixels.reduce((sum, own) => sum + own, 0);
  const done = pixels.map(() => 0);
  return (index) =>
    report
      ? {
          onProgress: (step) => {
            done[index] = Math.round((pixels[index]! * step.donePixels) / step.totalPixels);
            report({ donePixels: done.reduce((sum, own) => sum + own, 0), totalPixels });
          },
        }
      : {};
}

/** A view, not a copy. */
function rowsOf({ width, channels, data }: PixelImage, { first, end }: Rows): PixelImage {
  const row = width * channels;
  return { width, height: end - first, channels, data: data.subarray(first * row, end * row) };
}

function drawnRows(drawn: Drawn, width: number, { first, end }: Rows): Drawn {
  return { marks: drawn.marks.subarray(first * width, end * width), isNear: (y) => drawn.isNear(first + y) };
}

/** @param top row of the source at which the enlarged strip begins */
async function writeOwn(file: StripFile, enlarged: PixelImage, own: Rows, top: number, scale: number): Promise<void> {
  const { data } = rowsOf(enlarged, { first: (own.first - top) * scale, end: (own.end - top) * scale });
  await file.writeRows(own.first * scale, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
