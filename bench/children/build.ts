import { ownPeakBytes } from '../run-child.js';
import { timed, type Timing } from '../statistics.js';

/** What a child that builds something prints. */
export interface Built extends Timing {
  /** The most memory that its process held at once, in bytes. */
  readonly peakBytes: number;
  /** Milliseconds that it waited for a remote cache without getting anything; absent where it has none. */
  readonly lostMs?: number;
}

/** What is to be built, as the child's arguments say. */
export interface Order {
  /** The site's folder. */
  readonly site: string;
  readonly out: string;
  /** The folder of the plugin's cache; undefined: a build without the plugin. */
  readonly cache: string | undefined;
}

export function readOrder(): Order {
  const [site = '', out = '', cache] = process.argv.slice(2);
  return { site, out, cache };
}

/** Measures a build, and prints the figures as the last line. */
export async function report(build: () => Promise<unknown>): Promise<void> {
  const timing = await timed(build);
  const remote = process.env.UPRES_REMOTE_CACHE;
  const lost = remote && { lostMs: (await import('#src/asset/cache/patience.js')).patienceWith(remote).lost };
  const built: Built = { ...timing, peakBytes: ownPeakBytes(), ...lost };
  console.log(JSON.stringify(built));
}
