import type { Pool, Pooling } from '../../catalogue/geometry.js';
import { haloOf } from './halo.js';
import { neededNodes } from './needed-nodes.js';
import type { Step } from './operator.js';
import { ONE, type Rational } from './rational.js';
import { directionOf, shapeOf, type Along, type Value } from './value.js';

/** More passes than this many times the work of one cost more than exactness gives. */
const MOST_WORK = 8;

/** A node that pools over the whole picture. */
export interface FoundPool {
  readonly kind: Pool['kind'];
  readonly input: string;
  readonly output: string;
  /** The axes of the input that are rows and columns. */
  readonly axes: readonly [rows: number, columns: number];
  /** Number of the input's axes. */
  readonly rank: number;
  readonly outputShape: readonly number[];
  /** Which pass finds it. */
  readonly stage: number;
}

/** The pools of a network that looks at the whole picture in no other way. */
export interface FoundPools {
  readonly pooling: Pooling;
  /** By stages. */
  readonly pools: readonly FoundPool[];
}

/**
 * Sorts a network's pools by what they depend on: those of a stage need the results of earlier stages alone.
 * @returns undefined where the passes would cost too much
 */
export function findPools(
  steps: readonly Step[],
  input: string,
  output: string,
  values: ReadonlyMap<string, Value>,
  core: number,
  size: Readonly<Record<Along, number>>,
): FoundPools | undefined {
  const depths = new Map<string, number>();
  const pools: FoundPool[] = [];
  for (const { node, followed } of steps) {
    const depth = Math.max(0, ...node.input.map((name) => depths.get(name) ?? 0));
    for (const name of node.output) depths.set(name, followed.pool ? depth + 1 : depth);
    if (!followed.pool) continue;
    const { axes } = values.get(node.input[0]!)!;
    const axisOf = (along: Along): number => axes.findIndex((axis) => directionOf(axis) === along);
    pools.push({
      kind: followed.pool,
      input: node.input[0]!,
      output: node.output[0]!,
      axes: [axisOf('h'), axisOf('w')],
      rank: axes.length,
      outputShape: shapeOf(followed.outputs[0]!),
      stage: depth,
    });
  }
  pools.sort((a, b) => a.stage - b.stage);

  const found = new Set(pools.map((pool) => pool.output));
  const macs = new Map(steps.map(({ node, followed }) => [node, followed.mac ?? 0]));
  const nodes = steps.map(({ node }) => node);
  const macFor = (outputs: readonly string[]): number =>
    neededNodes(nodes, outputs, found).reduce((sum, node) => sum + macs.get(node)!, 0);
  const stageCount = Math.max(...pools.map(({ stage }) => stage)) + 1;
  const stages = Array.from({ length: stageCount }, (_, stage) => {
    const own = pools.filter((pool) => pool.stage === stage);
    const inputs = own.map((pool) => pool.input);
    return {
      pools: own.map(({ kind, input: from }): Pool => {
        const { h = ONE, w = ONE } = values.get(from)!.scale;
        return { kind, rows: pair(h), columns: pair(w) };
      }),
      halo: inputs.map((from) => haloOf(steps, input, from, values, core, size)).reduce(widest),
      macPerPixel: Math.round(macFor(inputs)),
    };
  });
  const whole = macFor([output]);
  const work = stages.reduce((sum, { macPerPixel }) => sum + macPerPixel, whole);
  if (work > MOST_WORK * whole) return undefined;
  return { pooling: { stages, halo: haloOf(steps, input, output, values, core, size) }, pools };
}

const pair = ({ num, den }: Rational): readonly [number, number] => [num, den];

function widest(a: Pooling['halo'], b: Pooling['halo']): Pooling['halo'] {
  return {
    left: Math.max(a.left, b.left),
    right: Math.max(a.right, b.right),
    top: Math.max(a.top, b.top),
    bottom: Math.max(a.bottom, b.bottom),
  };
}
