import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ImageInfo } from '../image/codec/header.js';
import type { Source } from '../image/image-source.js';
import { PICTURE_VERSION } from '../image/picture-version.js';
import { encoderVersion, version } from '../version.js';
import { LineRecord } from './line-record.js';

/** Whatever reads headers: of what another one read, nothing is known. */
const reader = [version, PICTURE_VERSION, encoderVersion].join(' ');
/** Digits of a name, and of what proves that a line is whole. */
const length = 43;
const checkLength = 16;
const most = 20_000;

/**
 * What the headers of pictures say, by the pictures' bytes, kept next to their results: a build whose results are all there plans
 * its files without loading a decoder. It is merely a shortcut. A record that was lost, or a line that is damaged or from another
 * version, costs reading that header again.
 */
export class SourceFacts {
  private readonly record: LineRecord | undefined;

  /** @param folder of the results; undefined where nothing is to be kept */
  constructor(folder: string | undefined) {
    this.record = folder === undefined ? undefined : LineRecord.of(join(folder, sourcesFile), { length, most });
  }

  /** What a picture's header says. Throws as `Source.header`. */
  async infoOf(source: Source): Promise<ImageInfo> {
    if (!this.record) return source.header();
    const name = digest(await source.hash(), length);
    const kept = parse(name, await this.record.get(name));
    if (kept) return kept;
    const { format, width, height, frames, alpha, grey, depth } = await source.header();
    const info: ImageInfo = { format, width, height, frames, alpha, grey, depth };
    const json = JSON.stringify(info);
    await this.record.add(name, digest(name + json, checkLength) + json);
    return info;
  }
}

/** The record's name in the folder of results. */
export const sourcesFile = 'sources.txt';

function parse(name: string, line: string | undefined): ImageInfo | undefined {
  if (line === undefined) return undefined;
  const json = line.slice(checkLength);
  return digest(name + json, checkLength) === line.slice(0, checkLength) ? (JSON.parse(json) as ImageInfo) : undefined;
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(`${reader}\n${text}`).digest('base64').slice(0, digits);
}
