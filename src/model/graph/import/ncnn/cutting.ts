import { LIMITS, onlyInput, type Blob, type LayerKind, type NetBuilder } from './builder.js';
import type { Layer } from './layer.js';
import { constantOf, type Extent } from './size.js';
import type { Sides } from '../../../../pixels.js';

/** Stands for "to the end", or for "not given". */
const NONE = -233;

/** What is cut off before and behind: along channels, rows and columns. */
type Cut = readonly [before: number, behind: number];

const WHOLE: Cut = [0, 0];

const crop: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    const [input, reference, ...more] = inputs;
    if (!input || more.length > 0) throw layer.invalid(`has ${inputs.length} inputs`);
    const lengths: readonly Extent[] = [[input.channels, input.channels], input.size.h, input.size.w];
    const cuts = reference
      ? toReference(layer, lengths, reference)
      : layer.list(9).length > 0 && layer.list(10).length > 0
        ? numpyStyle(layer, lengths)
        : byOffsets(layer, lengths);
    return [apply(graph, input, cuts)];
  },
};

function apply(graph: NetBuilder, input: Blob, [channels, rows, columns]: readonly Cut[]): Blob {
  const [first, last] = channels ?? WHOLE;
  const [top, bottom] = rows ?? WHOLE;
  const [left, right] = columns ?? WHOLE;
  return graph.crop(graph.channels(input, first, input.channels - last), { left, top, right, bottom });
}

/** Cuts that leave a length, from an offset on. Throws when it is not there, or depends on the picture. */
function leaving(layer: Layer, length: Extent, offset: number, left: Extent): Cut {
  const behind = constantOf([length[0] - offset - left[0], length[1] - offset - left[1]]);
  if (behind === undefined) throw layer.unsupported('cuts off parts that differ from picture to picture');
  if (!Number.isInteger(offset) || !Number.isInteger(behind) || offset < 0 || behind < 0 || left.some((n) => n < 1)) {
    throw layer.invalid('cuts out a part that is not there');
  }
  return [offset, behind];
}

/** As large as another blob. */
function toReference(layer: Layer, lengths: readonly Extent[], { channels, size }: Blob): Cut[] {
  const left: readonly Extent[] = [[channels, channels], size.h, size.w];
  return [2, 1, 0].map((id, axis) => leaving(layer, lengths[axis]!, layer.number(id, 0), left[axis]!));
}

/** Starts, ends and axes, in the way of Python: negative ones count from the end. */
function numpyStyle(layer: Layer, lengths: readonly Extent[]): Cut[] {
  const [starts, ends, axes] = [layer.list(9), layer.list(10), layer.list(11)];
  const cuts: Cut[] = [WHOLE, WHOLE, WHOLE];
  const count = axes.length === 0 ? cuts.length : axes.length;
  if (starts.length !== count || ends.length !== count) throw layer.invalid('has lists of different lengths');
  for (let at = 0; at < count; at++) {
    const given = axes[at] ?? at;
    const axis = given < 0 ? given + cuts.length : given;
    const length = lengths[axis];
    if (!length) throw layer.invalid(`has ${given} as an axis`);
    const start = starts[at] === NONE ? 0 : starts[at]!;
    const end = ends[at] === NONE ? 0 : ends[at]!;
    const spans = length.map((n) => {
      const from = start < 0 ? n + start : start;
      return { from, to: Math.min(n, end > 0 ? end : n + end) };
    });
    const offset = constantOf([spans[0]!.from, spans[1]!.from]);
    if (offset === undefined) throw layer.unsupported('takes a part at the end of the picture');
    cuts[axis] = leaving(layer, length, offset, [spans[0]!.to - offset, spans[1]!.to - offset]);
  }
  return cuts;
}

/** Offsets from both ends, and lengths that the rest is limited to. */
function byOffsets(layer: Layer, lengths: readonly Extent[]): Cut[] {
  if (layer.number(1, 0) === NONE || layer.number(2, 0) === NONE) {
    throw layer.unsupported('gives its offsets in an order that is not known here');
  }
  return [2, 1, 0].map((id, axis) => {
    const [before, limit, behind] = [layer.number(id, 0), layer.number(id + 3, 0), layer.number(id + 6, 0)];
    const length = lengths[axis]!;
    const left = length.map((n) => {
      const rest = n - before - behind;
      return limit === NONE ? rest : Math.min(limit, rest);
    });
    return leaving(layer, length, before, [left[0]!, left[1]!]);
  });
}

const padding: LayerKind = {
  build: (layer, inputs, _weights, graph) => {
    const input = onlyInput(layer, inputs);
    if (layer.number(6, 0) !== 0) throw layer.unsupported('pads each channel with another value');
    if (layer.number(7, 0) !== 0 || layer.number(8, 0) !== 0) throw layer.unsupported('pads channels');
    const side = (id: number): number => layer.integer(id, 0, 0, LIMITS.border);
    const sides: Sides = { top: side(0), bottom: side(1), left: side(2), right: side(3) };
    const mode = (['constant', 'edge', 'reflect'] as const)[layer.number(4, 0)];
    if (mode === undefined) throw layer.invalid(`has ${layer.number(4, 0)} as its way to pad`);
    return [graph.pad(input, sides, mode, layer.number(5, 0))];
  },
};

/** Layers that take away borders, and add them. */
export const CUTS: Readonly<Record<string, LayerKind>> = { Crop: crop, Padding: padding };
