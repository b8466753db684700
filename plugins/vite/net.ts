import { realpathSync } from 'node:fs';
import { printQuery, type Directives } from '#upres/asset/directives.js';

/** A directive that a source has. */
export interface Sighting {
  /** Absolute path of the file that has it. */
  readonly place: string;
  readonly url: string;
  /** Absolute path of the image. */
  readonly image: string;
  readonly query: string;
  /** An import is delivered as a module of its own, whoever imports it; all else is delivered to the file that has it. */
  readonly by: 'import' | 'place' | 'either';
  /** Whether it can't have gone but by another plugin's doing: a condition of a template may leave it out. */
  readonly certain: boolean;
}

/**
 * What is under all hooks of a build: directives that were seen in sources, less those that were delivered. Those that another
 * plugin took in between leave no trace in what the build writes.
 */
export class Net {
  private readonly seen = new Map<string, readonly Sighting[]>();
  private readonly delivered = new Set<string>();
  private readonly reals = new Map<string, string>();

  /** @param parse reads a query; throws for a wrong one */
  constructor(private readonly parse: (query: string) => Directives | undefined) {}

  /** @param source what is seen again when a build is repeated: its directives take the place of those before */
  see(environment: string, source: string, sightings: readonly Sighting[]): void {
    this.seen.set(`${environment} ${source}`, sightings);
  }

  /** @param place the file that has the directive; undefined for an import */
  deliver(environment: string, image: string, query: string, place = ''): void {
    this.delivered.add(this.keyOf(environment, image, query, place));
  }

  left(environment: string): Sighting[] {
    return [...this.seen]
      .filter(([source]) => source.startsWith(`${environment} `))
      .flatMap(([, sightings]) => sightings)
      .filter(({ image, query, place, by }) => {
        const places = [...(by === 'place' ? [] : ['']), ...(by === 'import' ? [] : [place])];
        return !places.some((each) => this.delivered.has(this.keyOf(environment, image, query, each)));
      });
  }

  private keyOf(environment: string, image: string, query: string, place: string): string {
    return JSON.stringify([environment, this.real(image), this.spelling(query), place === '' ? '' : this.real(place)]);
  }

  /** Bundlers may write a query in another way than its author. */
  private spelling(query: string): string {
    try {
      return printQuery(this.parse(query) ?? {});
    } catch {
      return query;
    }
  }

  /** Modules have the names of what links lead to. */
  private real(file: string): string {
    const known = this.reals.get(file) ?? realOf(file);
    this.reals.set(file, known);
    return known;
  }
}

function realOf(file: string): string {
  try {
    return realpathSync.native(file);
  } catch {
    return file;
  }
}
