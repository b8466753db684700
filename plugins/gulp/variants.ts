import { extname } from 'node:path';
import { parseDensityName, printDensityName, hasImageExtension } from '#upres/asset/names.js';
import type { Directives } from '#upres/asset/directives.js';
import type { AssetPipeline, RenderedVariant } from '#upres/asset/pipeline.js';
import type { FileFacts } from '#upres/asset/rendered.js';
// Loaded with the plugin, at once: a stream that has no pictures needs none.
import '#upres/asset/recall.js';
import { Roles } from '#upres/asset/roles.js';
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

  /** @throws PluginError with the file's name */
  async of(file: File): Promise<readonly Output[]> {
    try {
      if (file.isNull()) {
        checkIsRead(file);
        return [{ file }];
      }
      if (!hasImageExtension(file.path)) {
        this.untouched.push(file.relative);
        return [{ file }];
      }
      if (!file.isBuffer()) throw new Error('streams are not supported: leave out { buffer: false } of src()');
      const { contents } = file;
      const role = await this.roles.of(file.path, () => Promise.resolve(contents));
      if (role === 'override') return [{ file }];
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
    return made.map(({ rendered, ...facts }) => {
      const name = nameOf(file, facts);
      const isSame = rendered.status === 'verbatim' && name === file.basename;
      return { file: isSame ? file : copyOf(file, name, rendered), hash: rendered.hash };
    });
  }
}

/** A folder has no contents, and neither has what a watcher tells of a file that is gone. A file that is there was not read. */
function checkIsRead(file: File): void {
  if (!hasImageExtension(file.path) || !file.stat?.isFile()) return;
  throw new UpresError('BAD_ARGUMENT', 'Gulp has not read this image: leave out { read: false } of src()');
}

/** Pages name files by hand, so a name tells the density that was asked for, not the pixels that came of it. */
function nameOf(file: File, { name, target, density }: FileFacts): string {
  const extension = extname(name);
  if (target.minWidth !== undefined) return file.stem + extension;
  if (target.width === undefined) return name;
  return printDensityName({ stem: parseDensityName(file.basename).stem, density, extension });
}

/** Keeps what others have written on the file. `newer`, `changed` and `since` look at its time, which stays. */
function copyOf(file: File, name: string, { data }: RenderedVariant): File {
  const copy = file.clone({ contents: false });
  copy.basename = name;
  copy.contents = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (copy.stat) copy.stat.size = data.byteLength;
  return copy;
}
