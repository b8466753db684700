import { createHash } from 'node:crypto';
import { UpresError } from '#upres/errors.js';
import type File from 'vinyl';
import { pluginError } from './errors.js';

/** Sees to it that no file of a stream takes another's name, since `dest` would write one over the other. */
export class OutputNames {
  private readonly taken = new Map<string, { readonly from: string; readonly hash: string }>();

  /** Whether a file of that name came out. */
  has(file: File): boolean {
    return this.taken.has(file.path);
  }

  /**
   * @param file a file that is about to come out
   * @param source the one that it was made of
   * @returns false for one that came out before, byte for byte: a picture made by hand goes in, and takes a computed one's place
   * @throws PluginError (OUTPUT_COLLISION)
   */
  take(file: File, source: File): boolean {
    if (!file.isBuffer()) return true;
    const hash = createHash('sha256').update(file.contents).digest('hex');
    const earlier = this.taken.get(file.path);
    if (!earlier) this.taken.set(file.path, { from: source.relative, hash });
    if (!earlier || earlier.hash === hash) return !earlier;
    const message = `${source.relative} and ${earlier.from} would both become ${file.relative}: give one of them another name`;
    throw pluginError(new UpresError('OUTPUT_COLLISION', message, { file: source.path }), source.path);
  }
}
