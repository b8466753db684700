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
  /** As they were told, by how that is written. */
  private readonly delivered = new Map<string, Told>();
  private readonly reals = new Map<string, string>();

  /** @param parse reads a query; throws for a wrong one */
  constructor(private readonly parse: (query: string) => Directives | undefined) {}

  /** @param source what is seen again when a build is repeated: its directives take the place of those before */
  see(environment: string, source: string, sightings: readonly Sighting[]): void {
    this.seen.set(`${environment} ${source}`, sightings);
  }

  /** @param place the file that has the directive; undefined for an import */
  deliver(environment: string, image: string, query: string, place = ''): void {
    const told = { environment, image, query, place };
    this.delivered.set(written(told), told);
  }

  left(environment: string): Sighting[] {
    const left = [...this.seen]
      .filter(([source]) => source.startsWith(`${environment} `))
      .flatMap(([, sightings]) => sightings)
      // Nearly all are delivered by the names that they were seen by.
      .filter((sighting) => !tellings(environment, sighting).some((told) => this.delivered.has(written(told))));
    if (left.length === 0) return [];
    const delivered = new Set([...this.delivered.values()].map((told) => this.known(told)));
    return left.filter((sighting) => !tellings(environment, sighting).some((told) => delivered.has(this.known(told))));
  }

  /** However its file and its query are written. */
  private known({ environment, image, query, place }: Told): string {
    return written({
      environment,
      image: this.real(image),
      query: this.spelling(query),
      place: place === '' ? '' : this.real(place),
    });
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

/** A directive that was delivered. */
interface Told extends Pick<Sighting, 'image' | 'query' | 'place'> {
  readonly environment: string;
}

const written = ({ environment, image, query, place }: Told): string => [environment, image, query, place].join('\n');

/** What a sighting may have been delivered as. */
const tellings = (environment: string, { image, query, place, by }: Sighting): Told[] =>
  [...(by === 'place' ? [] : ['']), ...(by === 'import' ? [] : [place])].map((each) => ({
    environment,
    image,
    query,
    place: each,
  }));

function realOf(file: string): string {
  try {
    return realpathSync.native(file);
  } catch {
    return file;
  }
}
