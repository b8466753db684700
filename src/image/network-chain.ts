import { worst, type Approximate } from '../network/approximate.js';
import type { CallOptions } from '../network/network-options.js';
import type { ThreadSafeNetwork } from '../network/thread-safe-network.js';
import type { PixelImage, Progress } from '../pixels.js';
import type { DoRows } from '../row-work.js';
import type { Settling } from './dering/dering.js';

/** Where the graph does not tell its receptive field, this is far enough to look right. */
const unknownField = 64;

/** A network, or one run several times over, that enlarges by a whole number. */
export class NetworkChain {
  readonly scale: number;
  /** How many pixels around it an input pixel is seen from, at most. */
  readonly receptiveField: number;
  /** Pixels of context with which a part equals the same part of the whole, bit for bit; undefined where that is not known. */
  readonly exactReach: number | undefined;
  /** Corners of parts must lie at multiples of this. */
  readonly multipleOf: number;
  /** Network input pixels of all passes for each input pixel. */
  readonly work: number;

  constructor(
    /** As the user named it. */
    readonly model: string,
    /** Tells chains apart that may make other pixels. */
    readonly key: string,
    private readonly network: ThreadSafeNetwork,
    private readonly times: number,
    /** What its colours are held to; undefined for interpolations, which are what they are. */
    readonly settling: Settling | undefined,
  ) {
    const { factor } = network;
    this.scale = factor ** times;
    const passes = Array.from({ length: times }, (_, pass) => pass);
    this.work = passes.reduce((sum, pass) => sum + factor ** (2 * pass), 0);
    const { halo, approximation, multipleOf, fixedSize, scale } = network.weights.geometry;
    const once = approximation
      ? approximation.halo
      : halo
        ? Math.max(halo.left, halo.right, halo.top, halo.bottom)
        : unknownField;
    // A later pass sees smaller pixels.
    this.receptiveField = Math.ceil(passes.reduce((sum, pass) => sum + once / factor ** pass, 0));
    this.multipleOf = multipleOf;
    const exact = halo && !approximation && !fixedSize;
    // Of a chain of networks in one, the first one's: those that follow see half as far at most, all together as far again.
    this.exactReach = exact ? this.receptiveField * (scale === factor ? 1 : 2) : undefined;
  }

  /** Next to a network that does not enlarge: a plane as it is. */
  none(): NetworkChain {
    return new NetworkChain('none', 'none', this.network, 0, undefined);
  }

  /** Does rows by the turn of a call; see `ThreadSafeNetwork`. */
  doRows(options: CallOptions): DoRows {
    return this.network.doRows(options);
  }

  async enlarge(plane: PixelImage, options: CallOptions): Promise<PixelImage & Approximate> {
    const { onProgress, ...rest } = options;
    let current = plane;
    const told: Approximate[] = [];
    const totalPixels = current.width * current.height * this.work;
    let before = 0;
    for (let pass = 0; pass < this.times; pass++) {
      const pixels = current.width * current.height;
      const start = before;
      const call = {
        ...rest,
        ...(onProgress && {
          onProgress: (step: Progress) => {
            onProgress({ donePixels: start + (pixels * step.donePixels) / step.totalPixels, totalPixels });
          },
        }),
      };
      // The picture was let in with the memory of all its planes, before and after.
      const result = await this.network.upscaleImage(current, call, 'admitted');
      told.push(result);
      current = result;
      before += pixels;
    }
    return { ...current, ...worst(told) };
  }
}
