import type { ProcessorDevice } from '../device.js';
import { optimisingOptions, type SessionRuntime } from '../pool/runtime.js';
import { randomPlane } from './trial-pictures.js';

/** The least side of the squares that tell how products grow, the second of twice as many: a multiple of nearly all windows that networks have. */
const LEAST_SIDE = 32;

/**
 * Finds how large the largest matrix product gets in a graph that can't be followed: attention over
 * the whole picture takes the square of its pixels. Shapes tell, which are the same on every machine.
 * @param core with the interface of a core
 * @param multipleOf what sides must be multiples of
 * @returns its elements for a square of a side
 */
export async function largestProduct(
  runtime: SessionRuntime,
  device: ProcessorDevice,
  core: Uint8Array,
  multipleOf: number,
): Promise<(side: number) => number> {
  const { shapesOfProducts } = await import('../../model/graph/rewrite/products.js');
  const graph = shapesOfProducts(core);
  if (!graph) return () => 0;
  const session = await runtime.InferenceSession.create(graph, optimisingOptions(device));
  const least = Math.ceil(LEAST_SIDE / multipleOf) * multipleOf;
  try {
    const elements: number[] = [];
    for (const side of [least, 2 * least]) {
      const input = new runtime.Tensor('float32', randomPlane(side, side).data, [1, 3, side, side]);
      const shapes = Object.values(await session.run({ input }));
      const counts = shapes.map(({ data }) => [...(data as BigInt64Array)].reduce((all, dim) => all * Number(dim), 1));
      elements.push(Math.max(...counts));
    }
    const [few, many] = elements as [number, number];
    // Of the side: 4 with the square of the pixels, 2 with the pixels, 0 where channels are compared.
    const power = Math.round(Math.log2(many / few));
    return (side) => many * (side / (2 * least)) ** power;
  } finally {
    await session.release();
  }
}
