import { basename, relative } from 'node:path';
import { UpresError } from '#upres/errors.js';
import type PluginError from 'plugin-error';
import type File from 'vinyl';
import { pluginError } from './errors.js';

/** A file that is about to come out. */
export interface Output {
  readonly file: File;
  /** What it was made of. */
  readonly source: File;
  /** SHA-512 of its contents in base64 digits; undefined where it has none. */
  readonly hash: string | undefined;
}

interface History {
  readonly history: readonly string[];
  /** Of the contents that the file had when it came out. */
  readonly hash: string;
  /** Whether another plugin has made a copy of it. */
  isCopied: boolean;
}

/** Where an output came from: the file itself is not held. */
interface Taken {
  readonly base: string;
  readonly path: string;
  readonly hash: string;
}

/** Sees to it that no file of a stream takes another's name, since `dest` would write one over the other. */
export class OutputNames {
  private readonly taken = new Map<string, Taken>();
  /** The names that each file had, to which plugins behind this one add theirs: the files themselves are not held. */
  private readonly histories: History[] = [];

  /** Whether a file of that name came out. */
  has(file: File): boolean {
    return this.taken.has(file.path);
  }

  /**
   * @returns false for one that came out before, byte for byte: a picture made by hand goes in, and takes a computed one's place
   * @throws PluginError (OUTPUT_COLLISION)
   */
  take({ file, source, hash }: Output): boolean {
    if (hash === undefined) return true;
    const earlier = this.taken.get(file.path);
    if (!earlier) {
      this.taken.set(file.path, { base: source.base, path: source.path, hash });
      this.follow(file, hash);
    }
    if (!earlier || earlier.hash === hash) return !earlier;
    const from = relative(earlier.base, earlier.path);
    const message = `${source.relative} and ${from} would both become ${file.relative}: give one of them another name`;
    throw pluginError(new UpresError('OUTPUT_COLLISION', message, { file: source.path }), source.path);
  }

  /** Some plugins give a copy another name and drop the file, as gulp-rename does: a copy is followed in its place. */
  private follow(file: File, hash: string): void {
    const followed: History = { history: file.history, hash, isCopied: false };
    this.histories.push(followed);
    const clone = file.clone.bind(file);
    const cloneAndFollow = (...options: Parameters<typeof clone>): ReturnType<typeof clone> => {
      const copy = clone(...options);
      followed.isCopied = true;
      this.follow(copy, hash);
      return copy;
    };
    // Copies take over what can be enumerated.
    Object.defineProperty(file, 'clone', { value: cloneAndFollow, configurable: true, writable: true });
  }

  /** What is wrong with the names that plugins behind this one gave to its files: two of them may have become one. */
  renamed(): PluginError | undefined {
    const names = new Map<string, string>();
    for (const { history, hash, isCopied } of this.histories) {
      if (isCopied) continue;
      const name = history.at(-1)!;
      const earlier = names.get(name);
      names.set(name, hash);
      if (earlier === undefined || earlier === hash) continue;
      // Files of several densities differ in their names only until someone gives them another.
      const message =
        `two files were renamed to "${basename(name)}" behind upres, and one was written over the other: ` +
        'keep "@2x" and the like in their names, or rename in front of upres, which then names each density';
      return pluginError(new UpresError('OUTPUT_COLLISION', message, { file: name }), name);
    }
    return undefined;
  }
}
