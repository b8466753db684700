import { computingOptions } from '../model/catalogue/computing.js';
import { statedColours } from '../model/catalogue/colours.js';
import type { Progress } from '../pixels.js';
import {
  abortSignal,
  anyObject,
  callback,
  finite,
  flag,
  number,
  options,
  text,
  whole,
  type TypeOf,
} from '../schema.js';
import { deviceChoice } from './device.js';
import type { TileRecord } from './pool/call.js';
import { threadCount } from './pool/thread-count.js';

const networkOptions = options({
  /**
   * Threads that may compute for this network at once, 1 to 256.
   * @default one for each core
   */
  threads: threadCount,
  /**
   * What computes. A device that is named is used or loading fails; `auto` takes a graphics processor that works, computes the
   * same and is faster, and otherwise the CPU.
   * @default `cpu`, or `wasm` where native code can't be loaded; `UPRES_DEVICE`
   */
  device: deviceChoice,
  /**
   * Bytes of activations that each thread may hold for a tile.
   * @default 256 MiB, or what a card next to the file says
   */
  memoryBudget: computingOptions.properties.memoryBudget,
  /**
   * Allows tiles for a network that looks at the whole picture at once, in all calls that don't say it themselves; seams may show.
   * @default `false`, or what a card next to the file says
   */
  acceptApproximation: computingOptions.properties.acceptApproximation,
  /**
   * Bytes that may be held on a graphics processor's behalf: weights, activations, pixels on their way.
   * @default 1 GiB
   */
  gpuMemoryBudget: number({ above: 0, to: Number.MAX_SAFE_INTEGER, of: 'bytes' }),
  /**
   * Calls that may be unfinished at once; one more is refused with QUEUE_FULL.
   * @default no limit, calls wait for memory
   */
  maxQueue: number({ from: 1, of: 'calls' }),
  /**
   * Folder in which prepared weights are kept.
   * @default the user's cache folder, or `UPRES_CACHE_FOLDER`
   */
  cacheFolder: text('a folder'),
});
/** Options of all ways to load a network. */
export interface NetworkOptions extends TypeOf<typeof networkOptions> {}

const scaleOption = options({
  /**
   * Scale factor, a whole number of at least 1; scales that a label lacks are chained from those it has.
   * @default 2
   */
  scale: whole({ from: 1 }),
});
/** The scale of a network that is loaded by its label. */
export interface ScaleOption extends TypeOf<typeof scaleOption> {}

const nameOption = options({
  /**
   * What errors and `label` call the network.
   * @default `network`
   */
  name: text('a name'),
});
/** The name of a network that comes as bytes. */
export interface NameOption extends TypeOf<typeof nameOption> {}

/** What each way to load a network takes. */
export const fileOptions = options({ ...networkOptions.properties, ...statedColours.properties });
export const labelledOptions = options({ ...networkOptions.properties, ...scaleOption.properties });
export const bytesOptions = options({ ...fileOptions.properties, ...nameOption.properties });

/** What each call takes. */
export const callOptions = options({
  /** Ends the call; threads stop within one tile. */
  signal: abortSignal,
  /**
   * Calls with a higher priority go first, always.
   * @default 0
   */
  priority: finite,
  /**
   * Whose turn the call takes: calls of one lane share it, so that a client with many or huge images does not crowd out
   * another. Any object, told apart by identity.
   * @default one lane for all calls of the network (of the port, where it is used through one: a lane cannot be posted)
   */
  lane: anyObject,
  /** Called after each tile. */
  onProgress: callback<(progress: Progress) => void>(),
  /** Called after each tile with when and where it was computed, for measuring. */
  onTile: callback<(record: TileRecord) => void>(),
  /**
   * Upper bound of a tile, in input pixels with halo; Infinity computes the whole image at once. Where tiles only come near the
   * whole (`approximate`), and for networks of one size alone, they are as always: the result's bytes follow from them.
   * @default by time and memory
   */
  tilePixels: number({ from: 1, of: 'pixels' }),
  /**
   * Allows tiles for a network that looks at the whole image at once; seams may show.
   * @default as the network was loaded with
   */
  acceptApproximation: flag,
});
/** Options of one call of a network. */
export interface CallOptions extends TypeOf<typeof callOptions> {}
