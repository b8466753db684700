import { join } from 'node:path';
import type { ImageInfo } from '../image/codec/header.js';
import type { Source } from '../image/image-source.js';
import { FactsRecord } from './cache/facts-record.js';

const most = 20_000;

/**
 * What the headers of pictures say, by the pictures' bytes, kept next to their results: a build whose results are all there plans
 * its files without loading a decoder.
 */
export class SourceFacts {
  private readonly record: FactsRecord<ImageInfo> | undefined;

  /** @param folder of the results; undefined where nothing is to be kept */
  constructor(folder: string | undefined) {
    this.record = folder === undefined ? undefined : new FactsRecord(join(folder, sourcesFile), most);
  }

  /** What a picture's header says. Throws as `Source.header`. */
  async infoOf(source: Source): Promise<ImageInfo> {
    if (!this.record) return source.header();
    const hash = await source.hash();
    const kept = await this.record.get(hash);
    if (kept) return kept;
    const { format, width, height, frames, alpha, grey, depth } = await source.header();
    const info: ImageInfo = { format, width, height, frames, alpha, grey, depth };
    await this.record.add(hash, info);
    return info;
  }
}

/** The record's name in the folder of results. */
export const sourcesFile = 'sources.txt';
