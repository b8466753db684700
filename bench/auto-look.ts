// How much of an enlargement's time is spent on looking which network suits it.
//
//   node out/bench/auto-look.js FILE...
//
// In processor time, the median of some rounds, at ×2: decoding and encoding count, Node's start does not. A round looks many times,
// since that is short, and since a build with many pictures soon runs compiled code.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseForPicture } from '#src/image/auto/choose-for-picture.js';
import { decode } from '#src/image/codec/decode.js';
import { readHeader } from '#src/image/codec/read-header.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import { Upscaler } from '#src/image/upscale.js';
import { median } from './quality-measure.js';
import { textTable } from './text-table.js';

const rounds = 9;
const looksARound = 10;
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

await using upscaler = new Upscaler({ threads: 1 });
const rows: string[][] = [];
for (const file of positionals) {
  const bytes = await readFile(file);
  const header = await readHeader(bytes);
  const [frame] = await decode(bytes, header, { frames: 1, colour: 'srgb', file, timer: new PictureTimer() });
  const { model } = await chooseForPicture(bytes, header, frame!, 2);
  // Named, so that nothing is looked at.
  const enlarge = (): Promise<unknown> => upscaler.upscale(bytes, { upscale: 2, model });
  await enlarge();
  const enlarging = await busyMs(enlarge);
  const looks = await busyMs(async () => {
    for (let look = 0; look < looksARound; look++) await chooseForPicture(bytes, header, frame!, 2);
  });
  const looking = looks / looksARound;
  const share = (100 * looking) / (looking + enlarging);
  rows.push([
    basename(file),
    `${header.width} × ${header.height}`,
    model,
    looking.toFixed(1),
    enlarging.toFixed(0),
    share.toFixed(2),
  ]);
}
console.log(
  textTable({
    caption: 'Time of looking at a picture, and of all else that is done to enlarge it twice, in ms of processor time',
    columns: ['', 'pixels', 'taken', 'looking', 'all else', 'share in %'],
    rows,
  }),
);
