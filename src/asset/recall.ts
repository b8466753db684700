import { existsSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { digest, digestAtOnce } from '../digest.js';
import type { ImageInfo } from '../image/codec/header.js';
import type { OutputFormat } from '../image/codec/formats.js';
import { isProcessor, type DeviceChoice } from '../network/device.js';
import { expectedDevice } from '../network/processor.js';
import type { AssetPlan } from './asset-plan.js';
import { readContent, readContentAtOnce, type Content } from './cache/cacache-folder.js';
import { labelIdentity, makers } from './engine-identity.js';
import { FactsRecord } from './cache/facts-record.js';
import type { AssetFile, FileFacts } from './rendered.js';
import type { ResolvedDirectives } from './resolve.js';

/** The record's name in the folder of results. */
export const assetsFile = 'assets.txt';
const most = 5000;

interface KnownFile extends FileFacts {
  readonly format: OutputFormat;
  readonly width: number;
  readonly height: number;
  /** Where its bytes are in the cache; absent where they are the source's. */
  readonly content?: Content;
}

interface KnownAsset {
  readonly info: ImageInfo;
  /** Names of pictures that would take a file's place, had someone made them. */
  readonly missing: readonly string[];
  readonly files: readonly KnownFile[];
}

/** What an asset came to. */
interface Recalled {
  readonly info: ImageInfo;
  readonly files: readonly AssetFile[];
}

/**
 * What assets came to, by their bytes, their names and all that was asked for, kept next to the results: of what was made before nothing is
 * planned, and no more is read than the results. It knows only what is simple: built-in networks, on the processor, without a word
 * of warning. All else goes the usual way, and so does everything once a result is no more in the cache.
 */
export class Recall {
  private readonly record: FactsRecord<KnownAsset>;
  private readonly situations = new WeakMap<ResolvedDirectives, string | null>();

  /**
   * @param folder of the results
   * @param device that the options name
   */
  constructor(
    private readonly folder: string,
    private readonly device: DeviceChoice = expectedDevice(),
  ) {
    this.record = new FactsRecord(join(folder, assetsFile), most);
  }

  /** @returns undefined where it is not known, or some of it is no more there */
  async find(file: string, resolved: ResolvedDirectives, source: Uint8Array): Promise<Recalled | undefined> {
    const words = this.wordsFor(file, resolved, await digest(source, 'sha256', 'hex'));
    const known = words === undefined ? undefined : await this.record.get(words);
    if (!known || isReplaced(known, file)) return undefined;
    try {
      const files = this.readAtOnce(known, source);
      return {
        info: known.info,
        files: files ?? (await Promise.all(known.files.map((each) => this.read(each, source)))),
      };
    } catch {
      // The usual way mends what is damaged, and makes what is missing.
      return undefined;
    }
  }

  /** Reads the record, once. */
  ready(): Promise<void> {
    return this.record.ready();
  }

  /** What `find` gives, at once; undefined, too, before `ready` is over, and where others would have to wait for it. */
  findAtOnce(file: string, resolved: ResolvedDirectives, source: Uint8Array): Recalled | undefined {
    const hash = digestAtOnce(source, 'sha256', 'hex');
    const words = hash === undefined ? undefined : this.wordsFor(file, resolved, hash);
    const known = words === undefined ? undefined : this.record.getAtOnce(words);
    if (!known || isReplaced(known, file)) return undefined;
    try {
      const files = this.readAtOnce(known, source);
      return files && { info: known.info, files };
    } catch {
      return undefined;
    }
  }

  /**
   * What is known of an asset that is going to be planned.
   * @param hash of its bytes: SHA-256 in hexadecimal digits
   * @returns undefined where nothing may be remembered of it
   */
  async of(file: string, resolved: ResolvedDirectives, hash: string): Promise<RecalledAsset | undefined> {
    const words = this.wordsFor(file, resolved, hash);
    return words === undefined ? undefined : new RecalledAsset(this, words, await this.record.get(words));
  }

  /** @internal Remembers what an asset came to. */
  add(words: string, asset: KnownAsset): Promise<void> {
    return this.record.add(words, asset);
  }

  /** @internal What is kept of a file, if it is simple. */
  async known({ rendered, ...facts }: AssetFile): Promise<KnownFile | undefined> {
    const { format, width, height, status, hash, data } = rendered;
    const file = { ...facts, format, width, height };
    if (status === 'verbatim') return file;
    const isHere = (status === 'cached' || status === 'computed') && facts.device === this.device;
    if (!isHere || hash === undefined) return undefined;
    const sha256 = await digest(data, 'sha256', 'base64');
    return { ...file, content: { integrity: `sha512-${hash}`, size: data.byteLength, sha256 } };
  }

  /** @internal Throws where it is no more there, or damaged. */
  async read(file: KnownFile, source: Uint8Array): Promise<AssetFile> {
    return fileOf(file, file.content ? await readContent(this.folder, file.content) : source);
  }

  /** What `read` gives of all files; undefined where others would have to wait for it. Throws where one is no more there, or damaged. */
  private readAtOnce({ files }: KnownAsset, source: Uint8Array): AssetFile[] | undefined {
    const made: AssetFile[] = [];
    for (const each of files) {
      const data = each.content ? readContentAtOnce(this.folder, each.content) : source;
      if (data === undefined) return undefined;
      made.push(fileOf(each, data));
    }
    return made;
  }

  private wordsFor(file: string, resolved: ResolvedDirectives, hash: string): string | undefined {
    let situation = this.situations.get(resolved);
    if (situation === undefined) {
      situation = this.situationOf(resolved) ?? null;
      this.situations.set(resolved, situation);
    }
    return situation === null ? undefined : [hash, basename(file), situation].join('\n');
  }

  /** All that decides about an asset's files besides its bytes and its name; undefined where it is not simple. */
  private situationOf(resolved: ResolvedDirectives): string | undefined {
    const { encodings, model, ...wanted } = resolved;
    const identity = labelIdentity(model);
    if (identity === undefined || !isProcessor(this.device)) return undefined;
    const qualities = encodings.map((encoding) => [encoding?.quality, encoding?.lossless]);
    return JSON.stringify([wanted, model, identity, qualities, makers, this.device]);
  }
}

/** Whether someone has made a picture by hand since, which takes a file's place. */
function isReplaced({ missing }: KnownAsset, file: string): boolean {
  const folder = dirname(file) + sep;
  return missing.some((name) => existsSync(folder + name));
}

function fileOf({ content, format, width, height, ...facts }: KnownFile, data: Uint8Array): AssetFile {
  if (!content) return { ...facts, rendered: { data, format, width, height, status: 'verbatim' } };
  const hash = content.integrity.slice('sha512-'.length);
  return { ...facts, rendered: { data, format, width, height, status: 'cached', hash } };
}

/** What one asset came to, file by file, as far as it is known; and what it comes to now. */
export class RecalledAsset {
  private readonly made: KnownFile[] = [];

  constructor(
    private readonly recall: Recall,
    private readonly words: string,
    private readonly known: KnownAsset | undefined,
  ) {}

  /** What its header says; undefined where nothing is known of it. */
  get info(): ImageInfo | undefined {
    return this.known?.info;
  }

  /**
   * One of its files, if it is known and still there.
   * @param index among its variants
   * @param source gives the asset's own bytes
   */
  async file(index: number, source: () => Promise<Uint8Array>): Promise<AssetFile | undefined> {
    const known = this.known?.files[index];
    if (!known) return undefined;
    try {
      return await this.recall.read(known, known.content ? nothing : await source());
    } catch {
      // The usual way mends what is damaged, and makes what is missing.
      return undefined;
    }
  }

  /** Remembers a file, if it is simple, as soon as all others of the asset are there, too. */
  async add({ variants, info, missing, ownInPlace }: KnownPlan, index: number, file: AssetFile): Promise<void> {
    const known = ownInPlace.length > 0 ? undefined : await this.recall.known(file);
    if (!known) return;
    this.made[index] = known;
    // A place that is empty has no key.
    if (Object.keys(this.made).length < variants.length) return;
    await this.recall.add(this.words, { info, missing: missing.map((each) => basename(each)), files: this.made });
  }
}

/** What is remembered of an asset's plan. */
type KnownPlan = Pick<AssetPlan, 'info' | 'missing' | 'ownInPlace'> & {
  readonly variants: { readonly length: number };
};

const nothing = new Uint8Array();
