import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';

const script = fileURLToPath(new URL('./fixtures/memory-per-thread.js', import.meta.url));
const measurable = existsSync('/proc/self/smaps_rollup');
if (!measurable) console.log('skipped: memory per thread is measured on Linux only (/proc/self/smaps_rollup)');

interface Measured {
  readonly anonymous: number;
  readonly threads: number;
  readonly shared: boolean;
}

/** Megabytes (10^6 bytes) of anonymous memory that each thread more costs, from one number of threads to the next. */
async function perThread(
  cacheFolder: string,
  file: string,
  shared: boolean,
  counts: readonly number[],
): Promise<number[]> {
  const anonymous: number[] = [];
  for (const threads of counts) {
    const { stdout, stderr, code } = await runChild(script, [cacheFolder, file, String(threads)], {
      execArgv: ['--expose-gc'],
    });
    expect(code, stderr).toBe(0);
    const measured = JSON.parse(stdout) as Measured;
    expect(measured).toMatchObject({ threads, shared });
    anonymous.push(measured.anonymous / 1e6);
  }
  const costs = counts.slice(1).map((threads, i) => (anonymous[i + 1]! - anonymous[i]!) / (threads - counts[i]!));
  const list = (values: readonly number[], digits: number): string =>
    values.map((value) => value.toFixed(digits)).join(', ');
  console.log(
    `${shared ? 'mapped' : 'copied'}: ${list(anonymous, 0)} MB of anonymous memory with ${counts.join(', ')} threads; ` +
      `${list(costs, 1)} MB for each thread more`,
  );
  return costs;
}

describe.runIf(measurable)(
  'a network of 27 MB, after a tile of 8×8 pixels in each thread',
  { timeout: 180_000 },
  () => {
    const folder = temporaryFolder();
    const file = join(folder, 'large.onnx');

    beforeAll(async () => {
      writeFileSync(file, plainNetwork({ width: 384, depth: 5 }));
      // Prepared by another process, so that what preparing needs is not measured.
      await runChild(script, [folder, file, '1']);
    });

    it('costs less than 17 MB for each thread more, because threads map one file', async () => {
      for (const cost of await perThread(folder, file, true, [1, 4])) expect(cost).toBeLessThan(17);
    });

    it('costs more than 40 MB for each thread more where it can not be mapped: so the measurement can fail', async () => {
      const blocked = join(folder, 'a-file');
      writeFileSync(blocked, '');
      const [cost] = await perThread(join(blocked, 'below'), file, false, [1, 2]);
      expect(cost).toBeGreaterThan(40);
    });
  },
);
