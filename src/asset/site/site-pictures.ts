import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { digest } from '../../digest.js';
import { parseDensityName, printDensityName } from '../names.js';
import type { VariantPlan } from '../asset-plan.js';
import { parseQuery, printQuery } from '../directives.js';
import type { AssetPipeline, PreparedAsset, RenderedVariant } from '../pipeline.js';

/** A picture that was made for the site. */
export interface SitePicture {
  /** Absolute, where it belongs. */
  readonly file: string;
  readonly source: string;
  readonly width: number;
  readonly height: number;
  readonly status: RenderedVariant['status'] | 'planned';
  /** Whether its bytes are new there. */
  readonly written: boolean;
}

interface Place {
  readonly name: string;
  readonly made: Promise<SitePicture>;
}

/** Puts pictures next to their sources, each once, however often it is asked for. */
export class SitePictures {
  private readonly plans = new Map<string, Promise<PreparedAsset>>();
  private readonly places = new Map<string, Promise<Place>>();
  private settled = false;
  /** Whose a file's name is. */
  private readonly owners = new Map<string, string>();

  /**
   * @param placeOf where a file of the site belongs in the result
   * @param way `dryRun` makes and writes nothing; `signal` ends what is being made
   */
  constructor(
    private readonly pipeline: AssetPipeline,
    private readonly placeOf: (file: string) => string,
    private readonly way: { readonly dryRun: boolean; readonly signal: AbortSignal | undefined },
  ) {}

  /** @throws BAD_ARGUMENT, INPUT_* */
  plan(file: string, query: string): Promise<PreparedAsset> {
    const key = `${file}?${query}`;
    const plan = this.plans.get(key) ?? this.planNew(file, query);
    this.plans.set(key, plan);
    return plan;
  }

  private async planNew(file: string, query: string): Promise<PreparedAsset> {
    return this.pipeline.plan(file, parseQuery(query) ?? {});
  }

  /**
   * Begins to make all files of an asset; behind `settle`, whoever asks for one that failed is told.
   * @returns their names, which are in the source's folder
   */
  async deliver(asset: PreparedAsset): Promise<(variant: VariantPlan) => string> {
    const names = new Map<VariantPlan, string>();
    for (const variant of asset.variants) names.set(variant, await this.nameOf(asset, variant));
    return (variant) => names.get(variant)!;
  }

  /** Waits for all that was begun. @returns what was made */
  async settle(): Promise<SitePicture[]> {
    this.settled = true;
    const places = await Promise.allSettled([...this.places.values()].map(async (place) => (await place).made));
    return places.flatMap((place) => (place.status === 'fulfilled' ? [place.value] : []));
  }

  private async nameOf(asset: PreparedAsset, variant: VariantPlan): Promise<string> {
    // What lies in the site already, be it the source or made by hand, is where it is.
    if (variant.verbatim) return basename(variant.source);
    const key = `${variant.source}?${printQuery(variant.directives)}`;
    let place = this.places.get(key);
    if (!place) {
      place = this.choose(asset, variant, key);
      this.places.set(key, place);
    }
    const { name, made } = await place;
    if (this.settled) await made;
    return name;
  }

  /** Names are given in the order of asking, before anything is made, so they are the same in every run. */
  private async choose(asset: PreparedAsset, variant: VariantPlan, key: string): Promise<Place> {
    const folder = dirname(variant.source);
    const plain = join(folder, variant.name);
    const isFree = (this.owners.get(plain) ?? key) === key;
    if (isFree) this.owners.set(plain, key);
    // Someone else's file is never written over.
    const name = isFree && !(await this.isForeign(plain)) ? variant.name : await withHash(variant.name, key);
    const file = this.placeOf(join(folder, name));
    const made = this.make(asset, variant, file);
    made.catch(() => undefined);
    return { name, made };
  }

  private async isForeign(file: string): Promise<boolean> {
    const bytes = await readFile(file).catch(() => undefined);
    return bytes !== undefined && !(await this.pipeline.outputs.has(bytes));
  }

  private async make(asset: PreparedAsset, variant: VariantPlan, file: string): Promise<SitePicture> {
    const { source } = variant;
    const { dryRun, signal } = this.way;
    if (dryRun) {
      const { width, height } = variant;
      return { file, source, width, height, status: 'planned', written: false };
    }
    const { data, width, height, status } = await this.pipeline.render(asset, variant, signal ? { signal } : {});
    return { file, source, width, height, status, written: await writeIfNew(file, data) };
  }
}

/** `logo@2x.png` → `logo-1a2b3c4d@2x.png`, for a second picture of that name. */
async function withHash(name: string, key: string): Promise<string> {
  const parts = parseDensityName(name);
  const hash = await digest(Buffer.from(basename(key)), 'sha256', 'hex');
  return printDensityName({ ...parts, stem: `${parts.stem}-${hash.slice(0, 8)}` });
}

/** Writes a file whole, unless it is as it should be already. @returns whether it was written */
export async function writeIfNew(file: string, data: Uint8Array | string): Promise<boolean> {
  const wanted = Buffer.from(data);
  if ((await readFile(file).catch(() => undefined))?.equals(wanted)) return false;
  const { default: writeFileAtomic } = await import('write-file-atomic');
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, wanted);
  return true;
}
