import { builtinLabels } from '#src/model/catalogue/registry.js';
import type { TileRecord } from '#src/network/pool/call.js';
import { defaultMemoryBudget, planImage } from '#src/network/tiles/plan.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { geometryOf } from './geometry-of.js';
import { percent } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { recordTiles, speedOf, warmUp } from './networks.js';
import { photograph } from './pictures.js';

/** Of the image, this share may be computed twice. */
const mostWaste = 0.06;

/** The side of the image that the goal is about. */
const goalSide = 1024;

const sides = [128, 256, 512, 1024, 2048, 4096];

/** Calls whose tiles are looked at: plans follow the speed seen so far. */
const calls = 5;

interface Row {
  readonly name: string;
  readonly threads: number;
  /** Input pixels around a tile; null where the whole image is looked at. */
  readonly halo: number | null;
  /** For each side: tiles, and pixels computed beyond the image's own as a share of these. */
  readonly plans: readonly { readonly side: number; readonly tiles: number; readonly waste: number }[];
}

/** Counts what halos cost: input pixels that are computed for more than one tile. */
export async function measureWaste({ quick, cacheFolder, say }: Setting): Promise<Findings> {
  const rows: Row[] = [];
  for (const { label, scales, kind } of builtinLabels()) {
    for (const scale of kind === 'network' ? scales : [2]) {
      say(`waste of ${label} ×${scale}`);
      await using network = await ThreadSafeNetwork.fromLabel(label, { scale, threads: 1, cacheFolder });
      const trial = await photograph(quick ? 128 : 256);
      const records: TileRecord[] = [];
      for (let call = 0; call < calls; call++) records.push(...(await recordTiles(network, trial)));
      const pixelsPerMs = speedOf(records);
      for (const threads of [1, 2]) rows.push(rowOf(network, scale, threads, pixelsPerMs));
    }
  }
  const seen = await seenWaste(cacheFolder);
  return {
    tables: [
      {
        caption: 'Planned at the speed measured now, default budget, one square image at a time: waste (tiles)',
        columns: ['', 'threads', 'halo', ...sides.map((side) => `${side}²`)],
        rows: rows.map(({ name, threads, halo, plans }) => [
          name,
          String(threads),
          halo === null ? 'all' : String(halo),
          ...plans.map(({ tiles, waste }) => `${percent(waste)} (${tiles})`),
        ]),
      },
    ],
    goals: [
      {
        what: `what natural ×2 computed in vain on ${goalSide}×${goalSide} pixels with two threads (most of ${calls} calls)`,
        value: Math.max(...seen),
        bound: { atMost: mostWaste },
        show: percent,
      },
    ],
    figures: { planned: rows.map((row) => ({ ...row, plans: row.plans.map((plan) => ({ ...plan })) })), seen },
  };
}

function rowOf(network: ThreadSafeNetwork, scale: number, threads: number, pixelsPerMs: number): Row {
  const geometry = geometryOf(network);
  const { halo } = geometry;
  const plans = sides.map((side) => {
    const { tiles, waste } = planImage({
      width: side,
      height: side,
      geometry,
      threads,
      memoryBudget: defaultMemoryBudget,
      tilePixels: undefined,
      acceptApproximation: false,
      pixelsPerMs,
    });
    return { side, tiles: tiles.length, waste };
  });
  return {
    name: `${network.label} ×${scale}`,
    threads,
    halo: halo ? Math.max(halo.left, halo.top, halo.right, halo.bottom) : null,
    plans,
  };
}

/** Not planned but done: what threads reported. */
async function seenWaste(cacheFolder: string): Promise<number[]> {
  await using network = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads: 2, cacheFolder });
  const image = await photograph(goalSide);
  await warmUp(network, await photograph(256));
  const wastes: number[] = [];
  for (let call = 0; call < calls; call++) {
    const pixels = (await recordTiles(network, image)).reduce((sum, record) => sum + record.pixels, 0);
    wastes.push(pixels / goalSide ** 2 - 1);
  }
  return wastes;
}
