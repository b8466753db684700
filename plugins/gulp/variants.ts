import type { Stats } from 'node:fs';
import { extname } from 'node:path';
import { parseDensityName, printDensityName, hasImageExtension } from '#upres/asset/names.js';
import type { Directives } from '#upres/asset/directives.js';
import type { AssetPipeline } from '#upres/asset/pipeline.js';
import type { AssetFile, FileFacts, RenderedVariant } from '#upres/asset/rendered.js';
// Loaded with the plugin, at once: a stream that has no pictures needs none.
import '#upres/asset/recall.js';
import { Roles } from '#upres/asset/roles.js';
import { digest } from '#upres/digest.js';
import { UpresError } from '#upres/errors.js';
import type File from 'vinyl';
import { checkEncoding } from './encoding.js';
import { pluginError } from './errors.js';
import type { Output } from './output-names.js';

/** Makes the files that a file of a stream becomes. */
export class Variants {
  /** Names of files that were no images. */
  readonly untouched: string[] = [];
  /** Outputs of upres that lay next to their sources: what is wanted of these is made anew, and may have the same names. */
  readonly earlier: File[] = [];
  private readonly roles: Roles;

  constructor(
    private readonly pipeline: AssetPipeline,
    private readonly directives: Directives,
    private readonly signal: AbortSignal,
  ) {
    this.roles = new Roles(pipeline.outputs);
  }

  /** Reads what is known of all files, and of those in a file's folder. */
  async getReady(file: File): Promise<void> {
    await Promise.all([this.pipeline.getReady(), this.roles.ready(file.path)]);
  }

  /**
   * What `of` gives, at once, for a source all of whose files were made before.
   * @returns undefined where that is not so, and before `getReady` is over
   * @throws PluginError with the file's name
   */
  atOnce(file: File): readonly Output[] | undefined {
    if (!file.isBuffer() || !this.roles.isPlainSource(file.path)) return undefined;
    try {
      const made = this.pipeline.recallAll(file.path, this.directives, file.contents);
      // Of one that is the source itself no hash is known.
      if (!made?.every(({ rendered }) => rendered.hash !== undefined)) return undefined;
      return made.map((each) => outputOf(file, each, each.rendered.hash));
    } catch (error) {
      throw pluginError(error, file.path);
    }
  }

  /** @throws PluginError with the file's name */
  async of(file: File): Promise<readonly Output[]> {
    try {
      if (file.isNull()) {
        checkIsRead(file);
        return [{ file, source: file, hash: undefined }];
      }
      if (!hasImageExtension(file.path)) {
        this.untouched.push(file.relative);
        return [await asItIs(file)];
      }
      if (!file.isBuffer()) throw new Error('streams are not supported: leave out { buffer: false } of src()');
      const { contents } = file;
      const role = await this.roles.of(file.path, () => Promise.resolve(contents));
      if (role === 'override') return [await asItIs(file)];
      if (role === 'source') return await this.make(file, contents);
      this.earlier.push(file);
      return [];
    } catch (error) {
      throw pluginError(error, file.path);
    }
  }

  private async make(file: File, contents: Buffer): Promise<readonly Output[]> {
    checkEncoding(file, contents);
    const made = await this.pipeline.renderAll(file.path, this.directives, contents, { signal: this.signal });
    return Promise.all(
      made.map(async (each) => {
        const { data, hash } = each.rendered;
        return outputOf(file, each, hash ?? (await digest(data, 'sha512', 'base64')));
      }),
    );
  }
}

async function asItIs(file: File): Promise<Output> {
  const hash = file.isBuffer() ? await digest(file.contents, 'sha512', 'base64') : undefined;
  return { file, source: file, hash };
}

function outputOf(source: File, { rendered, ...facts }: AssetFile, hash: string | undefined): Output {
  const name = nameOf(source, facts);
  const isSame = rendered.status === 'verbatim' && name === source.basename;
  return { file: isSame ? source : copyOf(source, name, rendered), source, hash };
}

/** A folder has no contents, and neither has what a watcher tells of a file that is gone. A file that is there was not read. */
function checkIsRead(file: File): void {
  if (!hasImageExtension(file.path) || !file.stat?.isFile()) return;
  throw new UpresError('BAD_ARGUMENT', 'Gulp has not read this image: leave out { read: false } of src()');
}

/** Pages name files by hand, so a name tells the density that was asked for, not the pixels that came of it. */
function nameOf(file: File, { name, target, density }: FileFacts): string {
  if (target.width === undefined && target.minWidth === undefined) return name;
  const extension = extname(name);
  if (target.minWidth !== undefined) return file.stem + extension;
  return printDensityName({ stem: parseDensityName(file.basename).stem, density, extension });
}

/** Keeps what others have written on the file. `newer`, `changed` and `since` look at its time, which stays. */
function copyOf(file: File, name: string, { data }: RenderedVariant): File {
  // vinyl copies what the disk says of a file property by property, by their descriptors, which takes longer than all the rest of a copy.
  const { stat } = file;
  file.stat = null;
  let copy: File;
  try {
    copy = file.clone({ contents: false });
  } finally {
    file.stat = stat;
  }
  copy.basename = name;
  copy.contents = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (stat)
    copy.stat = Object.assign(Object.create(Object.getPrototypeOf(stat) as object) as Stats, stat, {
      size: data.byteLength,
    });
  return copy;
}
