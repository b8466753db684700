import type { ProcessorDevice } from '../device.js';
import { optimisingOptions, type SessionRuntime } from '../pool/runtime.js';
import { randomPlane } from './trial-pictures.js';

/** Sides of the squares that tell how products grow: multiples of all windows and strides that networks have. */
const SIDES = [48, 96] as const;

/**
 * Finds how large the largest matrix product gets in a graph that can't be followed: attention over
 * the whole picture takes the square of its pixels. Shapes tell, which are the same on every machine.
 * @param core with the interface of a core
 * @returns its elements for a square of a side
 */
export async function largestProduct(
  runtime: SessionRuntime,
  device: ProcessorDevice,
  core: Uint8Array,
): Promise<(side: number) => number> {
  const { shapesOfProducts } = await import('../../model/graph/rewrite/products.js');
  const graph = shapesOfProducts(core);
  if (!graph) return () => 0;
  const session = await runtime.InferenceSession.create(graph, optimisingOptions(device));
  try {
    const elements: number[] = [];
    for (const side of SIDES) {
      const input = new runtime.Tensor('float32', randomPlane(side, side).data, [1, 3, side, side]);
      const shapes = Object.values(await session.run({ input }));
      const counts = shapes.map(({ data }) => [...(data as BigInt64Array)].reduce((all, dim) => all * Number(dim), 1));
      elements.push(Math.max(...counts));
    }
    const [few, many] = elements as [number, number];
    // With the pixels, or with their square: what lies between is windows that don't fill the smaller one.
    const power = many / few > 8 ? 4 : 2;
    return (side) => many * (side / SIDES[1]) ** power;
  } finally {
    await session.release();
  }
}
