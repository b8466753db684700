import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { QualityCase } from './quality-case.js';
import { pngOf } from './quality-data.js';

/** Writes each case's small file and true picture, and `cases.json`, which says what they are: for other programs. */
export async function dumpCases(folder: string, cases: readonly QualityCase[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const index: object[] = [];
  for (const [number, { group, row, name, scale, size, file, truth, compare }] of cases.entries()) {
    const stem = String(number).padStart(5, '0');
    const { format } = await sharp(file).metadata();
    const small = `${stem}.small.${format}`;
    const large = `${stem}.true.png`;
    await writeFile(join(folder, small), file);
    await writeFile(join(folder, large), await pngOf(truth));
    index.push({ group, row, name, scale, size, compare, small, large });
  }
  await writeFile(join(folder, 'cases.json'), `${JSON.stringify(index, undefined, 1)}\n`);
}
