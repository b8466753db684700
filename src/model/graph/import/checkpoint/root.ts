import type { Architecture } from './architecture.js';
import type { StateDict } from './torch-file.js';

/** What training scripts call the network that enlarges, where a file holds others too (what judges it, what it was before it was averaged). */
const NETWORKS = new Set(
  'G g netG net_g model_g G_state g_state generator generator_ema sr sr_model net network model module state_dict weights _orig_mod'.split(
    ' ',
  ),
);

/** The same where its weights were averaged while it was trained: then these are the better ones. */
const AVERAGED = /(?:^|[._-])ema(?:$|[._-])/;

/** Parts of a prefix that are looked at. */
const DEEPEST = 4;

/** A network that is known, and its weights. */
export interface FoundNetwork {
  readonly architecture: Architecture;
  readonly weights: StateDict;
}

/**
 * Finds the network among a checkpoint's weights: all of them, or those whose names begin alike. A part of another network is none: beside it
 * there are only numbers of the training, or it is called what networks that enlarge are.
 */
export function findNetwork(weights: StateDict, architectures: readonly Architecture[]): FoundNetwork | undefined {
  const under = (prefix: string): Architecture | undefined =>
    architectures.find((architecture) => architecture.matches((name) => weights.has(prefix + name)));
  const plain = under('');
  if (plain) return { architecture: plain, weights };
  const found = prefixesOf(weights).filter((prefix) => under(prefix) !== undefined && isAlone(prefix, weights));
  const prefix = found.find((one) => AVERAGED.test(one.slice(0, -1))) ?? found[0];
  if (prefix === undefined) return undefined;
  const own = [...weights].filter(([name]) => name.startsWith(prefix));
  return {
    architecture: under(prefix)!,
    weights: new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor])),
  };
}

/** All that names begin with, up to a dot. */
function prefixesOf(weights: StateDict): string[] {
  const prefixes = new Set<string>();
  for (const name of weights.keys()) {
    const parts = name.split('.', DEEPEST + 1);
    for (let count = 1; count < parts.length; count++) prefixes.add(`${parts.slice(0, count).join('.')}.`);
  }
  return [...prefixes];
}

function isAlone(prefix: string, weights: StateDict): boolean {
  const parts = prefix.slice(0, -1).split('.');
  if (parts.every((part) => NETWORKS.has(part) || AVERAGED.test(part))) return true;
  return [...weights.keys()].every((name) => name.startsWith(prefix) || !name.includes('.'));
}
