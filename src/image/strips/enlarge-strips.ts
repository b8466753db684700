import { throwIfAborted } from '../../abort.js';
import { approximateOnly, worst, type Approximate } from '../../network/approximate.js';
import { onSharedMemory } from '../../shared-pixels.js';
import { dropSpare, giveBackShared, takeShared } from '../../spare-memory.js';
import type { CallOptions } from '../../network/network-options.js';
import type { PixelImage, Progress } from '../../pixels.js';
import { inWindow } from '../codec/in-window.js';
import { settle } from '../dering/dering.js';
import { drawnColours, type Drawn } from '../dering/drawn-colours.js';
import { edgePixels, isByAreas, residuals } from '../dering/reduction.js';
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
  decoded: PixelImage,
  chain: NetworkChain,
  { rows, around }: Cut,
  options: CallOptions & { readonly signal: AbortSignal },
  timer: PictureTimer,
): Promise<EnlargedStrips> {
  const { scale, settling } = chain;
  const { onProgress, ...call } = options;
  const doRows = chain.doRows(call);
  const source = await onSharedMemory(decoded);
  const { width, height, channels } = source;
  const drawn = settling && (await drawnColours(source, doRows));
  const isTried = drawn && settling === 'faithful';
  const edges = isTried ? await edgePixels(source, drawn, undefined, doRows) : [];
  const strips = inStrips(height, rows);
  const withContext = ({ first, end }: Rows): Rows => ({
    first: Math.max(0, first - around),
    end: Math.min(height, end + around),
  });
  const progress = stripProgress(strips, width * chain.work, onProgress);
  const file = await StripFile.create({ width: width * scale, height: height * scale, channels });
  try {
    const made = await timer.inference(() =>
      inWindow(strips, stripsAtOnce, async (own, index) => {
        throwIfAborted(call.signal);
        const seen = withContext(own);
        const strip = await onSharedMemory(rowsOf(source, seen));
        const enlarged = await chain.enlarge(strip, { ...call, ...progress(index) });
        const within = edges.filter((pixel) => pixel >= own.first * width && pixel < own.end * width);
        const places = within.map((pixel) => pixel - seen.first * width);
        const tried = await residuals(enlarged, strip, places, doRows);
        await writeOwn(file, enlarged, own, seen.first, scale);
        // A strip that is the whole picture lies where the source does, which is needed until the end.
        if (strip.data.buffer !== source.data.buffer) giveBackShared(strip.data.buffer);
        giveBackShared(enlarged.data.buffer);
        return { ...approximateOnly(enlarged), tried };
      }),
    );
    if (drawn) {
      const means = isTried && isByAreas(made.flatMap(({ tried }) => tried)) ? 'opaque' : undefined;
      await inWindow(strips, stripsAtOnce, async (own) => {
        throwIfAborted(call.signal);
        // Of as many rows as before, so that memory is used again. Those of the context are settled in vain.
        const seen = withContext(own);
        const strip = rowsOf(source, seen);
        const size = { width: width * scale, height: strip.height * scale, channels };
        const memory = takeShared(size.width * size.height * channels);
        const data = await file.readRows(seen.first * scale, seen.end * scale, memory);
        const enlarged = { ...size, data };
        await settle({ enlarged, source: strip, drawn: drawnRows(drawn, width, seen), settling, means }, doRows);
        await writeOwn(file, enlarged, own, seen.first, scale);
        giveBackShared(memory);
      });
    }
    return { file, ...worst(made) };
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
  return { marks: drawn.marks.subarray(first * width, end * width), rows: drawn.rows.subarray(first, end) };
}

/** @param top row of the source at which the enlarged strip begins */
async function writeOwn(file: StripFile, enlarged: PixelImage, own: Rows, top: number, scale: number): Promise<void> {
  const { data } = rowsOf(enlarged, { first: (own.first - top) * scale, end: (own.end - top) * scale });
  await file.writeRows(own.first * scale, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
