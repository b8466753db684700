import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { digest } from '../digest.js';
import type { ImageInfo } from '../image/codec/header.js';
import type { OutputFormat } from '../image/codec/formats.js';
import { isProcessor, type DeviceChoice } from '../network/device.js';
import { expectedDevice } from '../network/processor.js';
import type { AssetPlan } from './asset-plan.js';
import { readContent, type Content } from './cache/cacache-folder.js';
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
export interface Recalled {
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
    const words = await this.wordsFor(file, resolved, source);
    const known = words === undefined ? undefined : await this.record.get(words);
    if (!known) return undefined;
    const folder = dirname(file);
    if (known.missing.some((name) => existsSync(join(folder, name)))) return undefined;
    try {
      const files = await Promise.all(known.files.map((each) => this.read(each, source)));
      return { info: known.info, files };
    } catch {
      // The usual way mends what is damaged, and makes what is missing.
      return undefined;
    }
  }

  /** Remembers what an asset came to, if that is simple. */
  async add(
    { file, info, missing, ownInPlace }: Pick<AssetPlan, 'file' | 'info' | 'missing' | 'ownInPlace'>,
    resolved: ResolvedDirectives,
    source: Uint8Array,
    files: readonly AssetFile[],
  ): Promise<void> {
    const known = await Promise.all(files.map((each) => this.known(each)));
    if (ownInPlace.length > 0 || !known.every((each) => each !== undefined)) return;
    const words = await this.wordsFor(file, resolved, source);
    if (words === undefined) return;
    await this.record.add(words, { info, missing: missing.map((each) => basename(each)), files: known });
  }

  private async known({ rendered, ...facts }: AssetFile): Promise<KnownFile | undefined> {
    const { format, width, height, status, hash, data } = rendered;
    const file = { ...facts, format, width, height };
    if (status === 'verbatim') return file;
    const isHere = (status === 'cached' || status === 'computed') && facts.device === this.device;
    if (!isHere || hash === undefined) return undefined;
    const sha256 = await digest(data, 'sha256', 'base64');
    return { ...file, content: { integrity: `sha512-${hash}`, size: data.byteLength, sha256 } };
  }

  private async read({ content, format, width, height, ...facts }: KnownFile, source: Uint8Array): Promise<AssetFile> {
    if (!content) return { ...facts, rendered: { data: source, format, width, height, status: 'verbatim' } };
    const data = await readContent(this.folder, content);
    const hash = content.integrity.slice('sha512-'.length);
    return { ...facts, rendered: { data, format, width, height, status: 'cached', hash } };
  }

  private async wordsFor(file: string, resolved: ResolvedDirectives, source: Uint8Array): Promise<string | undefined> {
    let situation = this.situations.get(resolved);
    if (situation === undefined) {
      situation = this.situationOf(resolved) ?? null;
      this.situations.set(resolved, situation);
    }
    return situation === null
      ? undefined
      : [await digest(source, 'sha256', 'base64'), basename(file), situation].join('\n');
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
