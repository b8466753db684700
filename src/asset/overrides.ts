import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ImageInfo } from '../image/codec/header.js';
import type { OutputFormat } from '../image/codec/formats.js';
import { Source } from '../image/image-source.js';
import type { Directives } from './directives.js';
import { extensionFor, parseDensityName, printDensityName } from './names.js';
import type { OwnOutputs } from './own-outputs.js';

/**
 * Pictures made by hand for a density, next to the picture that they are larger ones of: better than anything that could be computed, so
 * every tool takes them in its place. What upres itself made is none, nor is a copy of the picture.
 */
export class Overrides {
  /** Those that are not there: when one appears, it is taken. */
  readonly missing: string[] = [];
  /** Outputs of upres itself in their place: when one is changed, it is taken. */
  readonly ownInPlace: string[] = [];
  private readonly opened = new Map<string, Source>();

  /**
   * @param file the picture's path
   * @param base the same, opened
   * @param own tells what upres has made
   */
  constructor(
    private readonly file: string,
    private readonly base: Source,
    private readonly own: Pick<OwnOutputs, 'has'>,
  ) {}

  /**
   * The picture for a result whose density is the file's times a factor. One that has the result's format already goes before one in
   * the picture's own: `logo@2x.webp`, then `logo@2x.png`.
   * @param format the result's; default the picture's own
   * @returns its path, and the same opened, readable or not; undefined where no one made one
   */
  async find(factor: number, format?: OutputFormat): Promise<{ file: string; image: Source } | undefined> {
    const name = parseDensityName(basename(this.file));
    const density = name.density * factor;
    const wanted = format === undefined ? name.extension : extensionFor(format, name.extension);
    for (const extension of new Set([wanted, name.extension])) {
      const file = join(dirname(this.file), printDensityName({ ...name, density, extension }));
      const image = await this.at(file);
      if (image) return { file, image };
    }
    return undefined;
  }

  private async at(file: string): Promise<Source | undefined> {
    const known = this.opened.get(file);
    if (known || this.missing.includes(file) || this.ownInPlace.includes(file)) return known;
    // Hardly any picture has one, and this is by far the cheapest question.
    if (!existsSync(file)) {
      this.missing.push(file);
      return undefined;
    }
    const image = new Source(file);
    if (await this.isOurs(image)) {
      this.ownInPlace.push(file);
      return undefined;
    }
    this.opened.set(file, image);
    return image;
  }

  /** What upres made in place, and the copy of the picture that stands in for it after an error, are as old as the picture was then. */
  private async isOurs(image: Source): Promise<boolean> {
    const bytes = await image.bytes().catch(() => undefined);
    // What is wrong with it, whoever opens it will say.
    if (bytes === undefined) return false;
    return (await image.hash()) === (await this.base.hash().catch(() => undefined)) || this.own.has(bytes);
  }
}

/** Whether a picture is what is wanted as it is, its size left aside. */
export function isAlready(
  { format, frames }: Pick<ImageInfo, 'format' | 'frames'>,
  wanted: OutputFormat,
  animation: Directives['animation'] | undefined,
): boolean {
  return format === wanted && (frames === 1 || animation !== 'first-frame');
}
