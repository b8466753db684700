// 50,000 damaged checkpoints, or as many as the first argument says: every refusal has a code, none takes long or much memory.
import { readFileSync } from 'node:fs';
import { checkpoint } from '#src/model/graph/import/checkpoint/importer.js';
import { formatOf } from '#src/model/catalogue/formats/formats.js';
import { UpresError } from '#src/errors.js';

const rounds = Number(process.argv[2] ?? 50_000);
/** No damaged file of these sizes may take longer, in milliseconds. */
const longest = 5000;
/** Nor the process more than this, in bytes. */
const most = 2 ** 30;

let state = 20_060_101;
/** @param {number} below */
const next = (below) => {
  state = (state * 48_271) % 2_147_483_647;
  return state % below;
};

const names = ['compact-2x.pth', 'compact-2x-legacy.pth', 'compact-2x.safetensors', 'safmn-2x.pth'];
const originals = names.map(
  (name) => new Uint8Array(readFileSync(new URL(`./fixtures/checkpoints/${name}`, import.meta.url))),
);
const seen = { read: 0, 'no checkpoint': 0, MODEL_INVALID: 0, MODEL_UNSUPPORTED: 0 };
let slowest = 0;
for (let round = 0; round < rounds; round++) {
  const original = originals[round % originals.length];
  const bytes = Uint8Array.from(next(4) === 0 ? original.subarray(0, next(original.length)) : original);
  // Names and sizes stand at both ends.
  for (let change = next(6); change >= 0 && bytes.length > 0; change--) {
    const near = next(Math.min(3000, bytes.length));
    bytes[next(2) ? near : bytes.length - 1 - near] = next(256);
  }
  const started = performance.now();
  if (!formatOf('mine.pth', bytes)) seen['no checkpoint']++;
  else {
    try {
      checkpoint.convert({ path: 'mine.pth', bytes, companions: new Map() });
      seen.read++;
    } catch (error) {
      if (!(error instanceof UpresError) || !(error.code in seen)) throw error;
      seen[error.code]++;
    }
  }
  slowest = Math.max(slowest, performance.now() - started);
}
const peak = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ rounds, ...seen, slowestMs: Math.round(slowest), peakMiB: Math.round(peak / 2 ** 20) }));
if (slowest > longest || peak > most) process.exitCode = 1;
