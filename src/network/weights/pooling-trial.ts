import type { InferenceSession } from 'onnxruntime-node';
import type { Halo } from '../../pixels.js';
import type { SessionRuntime } from '../pool/runtime.js';
import { runOnPlane, type Plane } from '../proving.js';
import { poolInputs, poolPart, PoolTotal } from '../tiles/pool-parts.js';
import { crop } from './planes.js';
import { randomPlane } from './trial-pictures.js';
import type { MeasuredGeometry } from './weights-manifest.js';

/** What this trial may compute, in multiply-accumulates: about two seconds. Larger networks are believed what their graph says. */
const mostWork = 2e11;

/**
 * Whether a network that pools over the whole picture gives the same bytes in passes over two tiles as at once.
 * @param open opens the graph of a pass
 * @returns true for networks without pools
 */
export async function arePassesEqual(
  runtime: SessionRuntime,
  whole: InferenceSession,
  open: (pass: number) => Promise<InferenceSession>,
  { pooling, multipleOf, macPerPixel, scale }: MeasuredGeometry,
): Promise<boolean> {
  if (!pooling) return true;
  const { stages, halo } = pooling;
  const roundUp = (value: number): number => Math.ceil(value / multipleOf) * multipleOf;
  const widest = Math.max(...[halo, ...stages.map((stage) => stage.halo)].flatMap(({ left, right }) => [left, right]));
  const core = roundUp(widest + 16);
  const size = { width: 2 * core, height: roundUp(24 + widest) };
  const macs = [macPerPixel, ...stages.map((stage) => stage.macPerPixel)].reduce((sum, mac) => sum + mac, macPerPixel);
  if (size.width * size.height * macs > mostWork) return true;

  const picture = randomPlane(size.width, size.height);
  const expected = await runOnPlane(runtime, whole, picture);
  const found: Float32Array[] = [];
  const tilesFor = ({ left, right }: Halo): { tile: Plane; at: number }[] => [
    { tile: crop(picture, 0, 0, { width: core + roundUp(right), height: size.height }), at: 0 },
    {
      tile: crop(picture, core - roundUp(left), 0, { width: core + roundUp(left), height: size.height }),
      at: roundUp(left),
    },
  ];
  for (const [index, stage] of [...stages, undefined].entries()) {
    const session = await open(index);
    try {
      const totals = stage?.pools.map(({ kind }) => new PoolTotal(kind)) ?? [];
      let place = 0;
      for (const { tile, at } of tilesFor(stage?.halo ?? halo)) {
        const input = new runtime.Tensor('float32', tile.data, [1, 3, tile.height, tile.width]);
        const results = await session.run({ input, ...poolInputs(runtime, session, found) });
        const rectangle = { x: at, y: 0, width: core, height: size.height };
        stage?.pools.forEach((pool, which) => {
          const { data, dims } = results[session.outputNames[which]!]!;
          const part = poolPart(pool, { data: data as Float32Array, dims }, rectangle, {
            row: true,
            column: place > 0,
          });
          totals[which]!.add(part, 1);
        });
        if (!stage) {
          const { output } = results;
          const plane = { data: output!.data as Float32Array, width: tile.width * scale, height: tile.height * scale };
          const part = { width: core * scale, height: size.height * scale };
          const seen = crop(plane, at * scale, 0, part).data;
          const wanted = crop(expected, place * core * scale, 0, part).data;
          if (!seen.every((value, where) => value === wanted[where])) return false;
        }
        place++;
      }
      found.push(...totals.map((total) => total.result()));
    } finally {
      await session.release();
    }
  }
  return true;
}
