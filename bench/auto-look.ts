// How much of an enlargement's time is spent on looking which network suits it.
//
//   node out/bench/auto-look.js FILE...
//
// In processor time of one thread, the median of some rounds, at ×2; reading and writing the file does not count.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseForPicture } from '#src/image/auto/choose-for-picture.js';
import { decode } from '#src/image/codec/decode.js';
import { readHeader } from '#src/image/codec/read-header.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import type { Frame } from '#src/pixels.js';
import { median } from './quality-measure.js';
import { textTable } from './text-table.js';

const rounds = 5;
const { positionals } = parseArgs({ allowPositionals: true });
if (positionals.length === 0) throw new Error('name pictures');

/** Milliseconds of processor time of this process, threads included. */
async function busyMs(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return median(times);
}

const rows: string[][] = [];
for (const file of positionals) {
  const bytes = await readFile(file);
  const header = await readHeader(bytes);
  const [frame] = await decode(bytes, header, { frames: 1, colour: 'srgb', file, timer: new PictureTimer() });
  const { colour, alpha }: Frame = frame!;
  const { model } = await chooseForPicture(bytes, header, frame!, 2);
  await using network = await ThreadSafeNetwork.fromLabel(model, { scale: 2, threads: 1 });
  const enlarge = async (): Promise<void> => {
    await network.upscaleImage(colour);
    if (alpha) await network.upscaleImage(alpha);
  };
  await enlarge();
  const enlarging = await busyMs(enlarge);
  const looking = await busyMs(() => chooseForPicture(bytes, header, frame!, 2));
  const share = (100 * looking) / (looking + enlarging);
  rows.push([
    basename(file),
    `${colour.width} × ${colour.height}`,
    model,
    looking.toFixed(1),
    enlarging.toFixed(0),
    share.toFixed(2),
  ]);
}
console.log(
  textTable({
    caption: 'Time of looking at a picture, of all that is spent on its pixels at ×2, in ms of processor time',
    columns: ['', 'pixels', 'taken', 'looking', 'enlarging', '%'],
    rows,
  }),
);
