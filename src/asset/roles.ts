import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { outputFormats } from '../image/codec/formats.js';
import { formatOfName, parseDensityName, type DensityName } from './names.js';
import type { OwnOutputs } from './own-outputs.js';

/** What a file is where whole folders are taken: a source, a larger picture made by hand, or an output of upres. */
export type Role = 'source' | 'override' | 'own';

/**
 * Tells sources from what lies next to them. A picture of a higher density next to one of a lower is no source (`logo@2x.png` next to
 * `logo.png`), and neither is what upres itself made: a higher density, wherever it lies, or another format of the picture (`logo.webp`
 * next to `logo.png`). A higher density that stands alone and is not ours is a source that knows its own.
 *
 * Folders are looked at once, so that what is written in the meantime changes nothing.
 */
export class Roles {
  /** Names of pictures that are sources, whatever their bytes. */
  private readonly plain = new Map<string, Set<string>>();
  private readonly folders = new Map<string, Promise<Map<string, Named[]>>>();

  constructor(private readonly own: OwnOutputs) {}

  /**
   * @param file its path
   * @param bytes reads it; called only where its bytes decide
   */
  async of(file: string, bytes: () => Promise<Uint8Array>): Promise<Role> {
    const folder = dirname(file);
    const name = parseDensityName(basename(file));
    const related = (await this.namesIn(folder)).get(name.stem) ?? [];
    const others = related.filter(({ written }) => written !== basename(file));
    const smaller = name.density > 1 ? others.filter(({ density }) => density < name.density) : [];
    if (smaller.length > 0) {
      const contents = await bytes();
      if (await this.own.has(contents)) return 'own';
      // After an error a source's copy may stand in for something larger.
      const same = smaller.map(({ written }) => readIfThere(join(folder, written)));
      return (await Promise.all(same)).some((each) => each?.equals(contents)) ? 'own' : 'override';
    }
    if (name.density > 1) return (await this.own.has(await bytes())) ? 'own' : 'source';
    const twins = others.filter(({ density }) => density === name.density);
    if (twins.length === 0 || !(await this.own.has(await bytes()))) return 'source';
    for (const twin of twins) {
      // Where upres made all of them (`minWidth`, in place, in several formats), one has to be the source.
      if (rank(twin.written) < rank(file) || !(await this.isOwn(join(folder, twin.written)))) return 'own';
    }
    return 'source';
  }

  /** Looks at a file's folder, once. */
  async ready(file: string): Promise<void> {
    const folder = dirname(file);
    if (this.plain.has(folder)) return;
    const plain = new Set<string>();
    for (const related of (await this.namesIn(folder)).values()) {
      for (const { density, written } of related) {
        if (density <= 1 && related.every((other) => other.written === written || other.density !== density)) {
          plain.add(written);
        }
      }
    }
    this.plain.set(folder, plain);
  }

  /** Whether a file is a picture and a source, at once; false, too, where its bytes would decide, and before `ready` is over. */
  isPlainSource(file: string): boolean {
    return this.plain.get(dirname(file))?.has(basename(file)) === true;
  }

  private async isOwn(file: string): Promise<boolean> {
    const bytes = await readIfThere(file);
    return bytes !== undefined && this.own.has(bytes);
  }

  /** The folder's pictures by their names without density and extension. */
  private namesIn(folder: string): Promise<Map<string, Named[]>> {
    const known = this.folders.get(folder) ?? imagesIn(folder);
    this.folders.set(folder, known);
    return known;
  }
}

const rank = (file: string): number => outputFormats.indexOf(formatOfName(file) ?? 'png');

const readIfThere = (file: string): Promise<Buffer | undefined> => readFile(file).catch(() => undefined);

interface Named extends DensityName {
  /** As it stands in the folder. */
  readonly written: string;
}

async function imagesIn(folder: string): Promise<Map<string, Named[]>> {
  // A file may have come from nowhere on this disk: it stands alone then.
  const names = await readdir(folder).catch(() => []);
  const byStem = new Map<string, Named[]>();
  for (const written of names) {
    if (formatOfName(written) === undefined) continue;
    const name = { written, ...parseDensityName(written) };
    byStem.set(name.stem, [...(byStem.get(name.stem) ?? []), name]);
  }
  return byStem;
}
