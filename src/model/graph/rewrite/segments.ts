import { create } from '@bufbuild/protobuf';
import { handedName, heldName, segmentName, type SegmentPlan, type Strips } from '../../catalogue/segment-names.js';
import { costsOf, type GraphCosts, type TensorCost } from '../analysis/cost.js';
import { neededNodes } from '../analysis/needed-nodes.js';
import { opsetOf, type OnnxModel } from '../onnx/file.js';
import { GraphWriter } from '../onnx/graph-writer.js';
import { constant, hasInnerGraphs, ifNode, node, shapelessInfo } from '../onnx/node.js';
import { floatTensor, isExternal, sizeOf } from '../onnx/tensor.js';
import {
  GraphProtoSchema,
  TensorProto_DataType as DataType,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from '../onnx/onnx_pb.js';
import { haloOfStrips, inRows } from './strips.js';

/** Multiply-accumulates for an input pixel up to which a network stays whole, and that a segment has at most where it can be cut so often. */
const heavy = 2e6;
const heaviestSegment = 1.5e6;

/** Tensors that may be handed from segment to segment, and their share of what is alive at the graph's peak: a segment holds both ends. */
const mostHandedOn = 3;
const mostOfPeak = 1 / 3;

/** The type of what is handed on. */
const floats: number = DataType.FLOAT;

/** Values of a tensor that several segments may have a copy of; of what lies in a file all are one. */
const mostCopied = 2 ** 18;

/** A graph in segments, of which each run does one. */
export interface Segments extends SegmentPlan {
  readonly model: OnnxModel;
}

/** A place between two nodes. */
interface Place {
  /** Nodes before it. */
  readonly at: number;
  /** Work before it: multiply-accumulates for an input pixel. */
  readonly cost: number;
  /** What nodes after it use of those before it. */
  readonly alive: readonly string[];
  /** Values of these for an input pixel. */
  readonly elements: number;
  /** The most places that one of these has for an input pixel. */
  readonly area: number;
  /** The most values that are alive at once before it, and after it, for an input pixel. */
  readonly peakBefore: number;
  readonly peakAfter: number;
}

/**
 * Cuts the core of a heavy network, one segment after another, at places where few tensors are alive: between its blocks. Run in turn, segments do
 * what the core does, node by node. Whether a runtime that still optimises them does so to the bit is for a trial to tell.
 *
 * All segments are branches of one graph, so that a session keeps one set of weights and one arena for them: `input`, the segment's number and the
 * tensors that are held -> `output`, which is empty but for the last, and the tensors to be held. What depends on the picture's size alone
 * (masks, shapes) each segment computes for itself.
 *
 * An end that makes a larger picture of a small one, and holds more at once than all before it, is the last segment: strips of it can be made
 * one after another.
 * @returns undefined for a core that is light, or has no such places
 */
export function cutIntoSegments(core: OnnxModel): Segments | undefined {
  const { graph } = core;
  // The graphs inside of nodes may read any tensor of this one.
  if (hasInnerGraphs(graph)) return undefined;
  const costs = costsOf(graph);
  const nodes = graph.node.filter((node) => !costs.ofSizeAlone.has(node));
  const total = nodes.reduce((sum, node) => sum + costs.ofNode(node), 0);
  if (total <= heavy) return undefined;
  const places = placesOf(graph, nodes, costs);
  const end = findEnd(graph, nodes, costs, places);
  const before = end ? places.filter(({ at }) => at < end.place.at) : places;
  const cuts = choose(before, end?.place.cost ?? total);
  if (end) cuts.push(end.place);
  if (cuts.length === 0) return undefined;
  const bounds = [0, ...cuts.map(({ cost }) => cost), total];
  return {
    model: branching(end ? { ...core, graph: end.graph } : core, cuts),
    shares: bounds.slice(1).map((cost, segment) => (cost - bounds[segment]!) / total),
    ...(end && { strips: end.strips }),
  };
}

/** An end of a graph that can be made in strips of rows. */
interface End {
  /** Where it begins. */
  readonly place: Place;
  readonly strips: Strips;
  /** The graph, in which what lies at that place has rows one after another. */
  readonly graph: GraphProto;
}

function findEnd(
  graph: GraphProto,
  nodes: readonly NodeProto[],
  costs: GraphCosts,
  places: readonly Place[],
): End | undefined {
  const place = places.findLast(({ area }) => area <= 1);
  if (!place || place.peakAfter <= place.peakBefore) return undefined;
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const { at, alive, area, peakAfter } = place;
  if (alive.some((name) => costs.ofTensor(name).area !== area)) return undefined;
  const halo = haloOfStrips(nodes.slice(at), alive, 'output', constants);
  if (halo === undefined) return undefined;
  const channelsOf = (name: string): number => costs.ofTensor(name).elements / area;
  const opened = inRows(graph, new Set(nodes.slice(at)), alive, channelsOf);
  return {
    place: { ...place, alive: alive.map((name) => opened.names.get(name) ?? name) },
    strips: { halo, bytesPerPlace: Math.ceil((4 * peakAfter) / area) },
    graph: opened.graph,
  };
}

/** The places at which the graph may be cut. */
function placesOf(graph: GraphProto, nodes: readonly NodeProto[], costs: GraphCosts): Place[] {
  const lastUse = new Map<string, number>();
  nodes.forEach(({ input }, at) => {
    for (const name of input) lastUse.set(name, at);
  });
  for (const node of costs.ofSizeAlone) for (const name of node.input) lastUse.set(name, Infinity);
  for (const { name } of graph.output) lastUse.set(name, Infinity);
  const alive = new Map<string, TensorCost>();
  const peaks: number[] = [];
  let cost = 0;
  const elementsOf = (): number => [...alive.values()].reduce((sum, { elements }) => sum + elements, 0);
  const places = nodes.slice(0, -1).map((own, index) => {
    for (const name of own.output) if (name !== '') alive.set(name, costs.ofTensor(name));
    peaks.push(elementsOf());
    for (const name of [...own.input, ...own.output]) if ((lastUse.get(name) ?? -1) <= index) alive.delete(name);
    cost += costs.ofNode(own);
    return {
      place: {
        ...{ at: index + 1, cost, alive: [...alive.keys()], elements: elementsOf() },
        area: Math.max(...[...alive.values()].map(({ area }) => area)),
      },
      isFloat: [...alive.values()].every(({ type }) => type === floats),
    };
  });
  const peak = Math.max(...peaks);
  return places
    .filter(({ isFloat }) => isFloat)
    .map(({ place }) => place)
    .filter((place) => place.alive.length <= mostHandedOn && place.elements <= peak * mostOfPeak)
    .map((place) => ({
      ...place,
      peakBefore: Math.max(...peaks.slice(0, place.at)),
      peakAfter: Math.max(...peaks.slice(place.at)),
    }));
}

/** Of all places those that make segments of the size wanted: in the second half of what a segment may have, the one where least is alive. */
function choose(places: readonly Place[], total: number): Place[] {
  const cuts: Place[] = [];
  // What little would be left after a later one is no segment.
  const last = total - heaviestSegment / 4;
  let start = 0;
  while (total - start > heaviestSegment) {
    const later = places.filter(({ cost }) => cost > start + heaviestSegment / 2 && cost < last);
    const near = later.filter(({ cost }) => cost <= start + heaviestSegment);
    const best = near.toReversed().reduce<Place | undefined>(least, undefined) ?? later[0];
    if (!best) break;
    cuts.push(best);
    start = best.cost;
  }
  return cuts;
}

const least = (best: Place | undefined, place: Place): Place =>
  best === undefined || place.elements < best.elements ? place : best;

/** The graph of which each run does one segment. */
function branching(core: OnnxModel, cuts: readonly Place[]): OnnxModel {
  const { graph } = core;
  const slots = Math.max(...cuts.map(({ alive }) => alive.length));
  const holds = slotsOf(cuts, slots);
  const segments = [...holds, []].map((after, segment) => segmentOf(graph, holds[segment - 1] ?? [], after, slots));
  const names = ['output', ...Array.from({ length: slots }, (_, slot) => handedName(slot))];
  const writer = new GraphWriter(opsetOf(core), 'upres_choice_');
  writer.nodes.push(...choosing(writer, segments, 0, names));
  const shared = giveWeights(graph, segments);
  return {
    ...core,
    graph: create(GraphProtoSchema, {
      name: graph.name,
      node: writer.nodes,
      initializer: [...shared, ...writer.initializers],
      input: [
        ...graph.input,
        shapelessInfo(segmentName, DataType.FLOAT),
        ...Array.from({ length: slots }, (_, slot) => shapelessInfo(heldName(slot), DataType.FLOAT)),
      ],
      output: [...graph.output, ...names.slice(1).map((name) => shapelessInfo(name, DataType.FLOAT))],
    }),
  };
}

/** Which tensor each slot holds at each cut, as long as it is alive. */
function slotsOf(cuts: readonly Place[], slots: number): (string | undefined)[][] {
  let held: (string | undefined)[] = Array.from({ length: slots }, () => undefined);
  return cuts.map(({ alive }) => {
    held = held.map((name) => (name !== undefined && alive.includes(name) ? name : undefined));
    for (const name of alive) if (!held.includes(name)) held[held.indexOf(undefined)] = name;
    return held;
  });
}

/** What the graph does from what is held before a segment to what is held after it; after the last that is its output. */
function segmentOf(
  graph: GraphProto,
  before: readonly (string | undefined)[],
  after: readonly (string | undefined)[],
  slots: number,
): GraphProto {
  const given = new Map(before.flatMap((name, slot) => (name === undefined ? [] : [[name, heldName(slot)]])));
  const isLast = after.length === 0;
  const made = isLast ? ['output'] : after.filter((name) => name !== undefined && !given.has(name));
  const nodes = neededNodes(graph.node, made as string[], new Set(given.keys())).map((node) => ({
    ...node,
    input: node.input.map((name) => given.get(name) ?? name),
  }));
  const results = isLast ? ['output'] : [empty(nodes, [1, 3, 0, 0])];
  for (let slot = 0; slot < slots; slot++) {
    const [old, name] = [before[slot], after[slot]];
    if (name === old || isLast) results.push(empty(nodes, [0]));
    else results.push(name ?? empty(nodes, [1]));
  }
  return create(GraphProtoSchema, {
    name: 'segment',
    node: nodes,
    output: results.map((name) => shapelessInfo(name, DataType.FLOAT)),
  });
}

/**
 * Gives each segment the weights that it uses: those of the graph are handed to branches one by one, in each run, and the runtime does not pack
 * them beforehand as it does a graph's own, which rounds otherwise.
 * @returns those that several segments use and that are too large to be there twice
 */
function giveWeights(graph: GraphProto, segments: readonly GraphProto[]): TensorProto[] {
  const users = new Map<string, GraphProto[]>();
  for (const segment of segments) {
    for (const name of new Set(segment.node.flatMap(({ input }) => input))) {
      users.set(name, [...(users.get(name) ?? []), segment]);
    }
  }
  return graph.initializer.filter((tensor) => {
    const segments = users.get(tensor.name) ?? [];
    if (segments.length > 1 && !isExternal(tensor) && sizeOf(tensor.dims) > mostCopied) return true;
    for (const segment of segments) segment.initializer.push(tensor);
    return false;
  });
}

/** A tensor that says something by its size. */
function empty(nodes: NodeProto[], dims: readonly number[]): string {
  const name = `upres_none_${nodes.length}`;
  nodes.push(constant(name, floatTensor('', dims, new Float32Array(dims.reduce((size, dim) => size * dim, 1)))));
  return name;
}

/** Nodes that run one of some segments: a tree of branches, so that a run passes few of them. */
function choosing(
  writer: GraphWriter,
  segments: readonly GraphProto[],
  first: number,
  names: readonly string[],
): NodeProto[] {
  const half = segments.length >> 1;
  const isEarly = writer.fresh('early');
  const branchOf = (part: readonly GraphProto[], start: number): GraphProto => {
    if (part.length === 1) return part[0]!;
    const inner = names.map((name) => writer.fresh(name));
    return create(GraphProtoSchema, {
      name: 'segments',
      node: choosing(writer, part, start, inner),
      output: inner.map((name) => shapelessInfo(name, DataType.FLOAT)),
    });
  };
  return [
    node('Less', [segmentName, writer.floats([first + half], [1])], [isEarly]),
    ifNode(isEarly, branchOf(segments.slice(0, half), first), branchOf(segments.slice(half), first + half), names),
  ];
}
