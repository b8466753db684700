import type { ImageConfig, LocalService, Transform } from './astro.js';
import { candidatesOf, type Candidates } from './candidates.js';
import { enlargementFor } from './factor.js';
import type { ServiceConfig } from './options.js';

/** What the service needs from its surroundings. */
export interface Surroundings {
  /** Whether this is a server that renders on demand, and nothing is built beforehand. */
  readonly isOnDemand: () => boolean;
  /** Enlarges a picture as far as a transform needs it, or gives it as it is. */
  readonly enlarge: (
    input: Uint8Array,
    wanted: Transform & { src: string },
    config: ServiceConfig,
  ) => Promise<Uint8Array>;
}

/** Astro's properties, in case a service names none. */
const usualProperties = ['src', 'width', 'height', 'format', 'quality', 'fit', 'position', 'background'];

/** A local image service that enlarges what is wanted larger than it is, and leaves all else to another. */
export function enlarging<T extends LocalService>(base: T, { isOnDemand, enlarge }: Surroundings): T {
  const ours = (config: ImageConfig): ServiceConfig | undefined => {
    const settings = config.service.config as ServiceConfig;
    return isOnDemand() && !settings.onDemand ? undefined : settings;
  };
  const composed: LocalService = {
    // Astro keeps results by the values of these.
    propertiesToHash: [...(base.propertiesToHash ?? usualProperties), 'upres'],
    async validateOptions(options, config) {
      const valid = base.validateOptions ? await base.validateOptions(options, config) : options;
      return marked(valid, ours(config));
    },
    async getSrcSet(options, config) {
      const settings = ours(config);
      const usual: Candidates = async (wanted) => (await base.getSrcSet?.(wanted, config)) ?? [];
      if (!settings) return usual(options);
      const candidates = await candidatesOf(usual, options, settings);
      return candidates.map((candidate) => ({ ...candidate, transform: marked(candidate.transform, settings) }));
    },
    async getHTMLAttributes(options, config) {
      return (await base.getHTMLAttributes?.(marked(options, undefined), config)) ?? {};
    },
    async transform(input, wanted, config) {
      const settings = ours(config);
      const data = settings && wanted.format !== 'svg' ? await enlarge(input, wanted, settings) : input;
      return base.transform(data, wanted, config);
    },
  };
  return { ...base, ...composed };
}

/** Says in a transform what enlarges it, or that nothing does; of remote pictures the size is unknown yet. */
function marked(transform: Transform, settings: ServiceConfig | undefined): Transform {
  const { src } = transform;
  const marks = { ...transform };
  delete marks.upres;
  if (!settings || (typeof src !== 'string' && enlargementFor(transform, src) === 1)) return marks;
  return { ...marks, upres: settings.identity };
}
