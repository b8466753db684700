import { modelId } from '../model/catalogue/colours.js';
import type { DeviceChoice } from '../network/device.js';
import type { AdmissionQueue } from './admission-queue.js';
import { Enlargement } from './enlargement.js';
import type { Source } from './image-source.js';
import type { Made } from './make-enlargement.js';
import { Failover } from './on-device.js';
import { modelOf, type UpscaleOptions } from './options.js';
import { colourOf, type Plan } from './plan.js';

type EnlargementOptions = UpscaleOptions & { readonly device: DeviceChoice };

/** The enlargements of an `Upscaler` that are under way. What one of them needs and another has, both share. */
export class Enlargements {
  private readonly failover = new Failover();
  /** By what was asked for. */
  private readonly underWay = new WeakMap<Source, Map<string, Enlargement<Made>>>();

  constructor(private readonly admissions: AdmissionQueue) {}

  /**
   * The one that gives these pixels, which may have begun for another output or caller.
   * @param letNextIn called once memory is admitted for it
   */
  of(source: Source, plan: Plan, options: EnlargementOptions, letNextIn: () => void): Enlargement<Made> {
    const { width, height } = plan.target;
    const { alpha, device, maxOutputPixels } = options;
    const key = [
      width,
      height,
      plan.frames,
      colourOf(plan),
      modelId(modelOf(options)),
      alpha,
      device,
      maxOutputPixels,
    ].join(' ');
    const ofSource = this.underWay.get(source) ?? new Map<string, Enlargement<Made>>();
    this.underWay.set(source, ofSource);
    const begun = ofSource.get(key);
    if (begun) return begun;
    const enlargement = new Enlargement<Made>(
      (making) =>
        this.failover.runPicture(device, source.file, async (on) => {
          // A picture whose result is kept is never enlarged: what does that is loaded here.
          const { makeEnlargement } = await import('./make-enlargement.js');
          return makeEnlargement(this.admissions, { source, plan, options, device: on, letNextIn }, making);
        }),
      () => {
        if (ofSource.get(key) === enlargement) ofSource.delete(key);
      },
    );
    ofSource.set(key, enlargement);
    return enlargement;
  }
}
