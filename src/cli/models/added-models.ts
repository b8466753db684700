import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import type { ValueRange, ChannelOrder } from '../../model/catalogue/colours.js';

/** What a trial found out about a network that was added, and where it lies. */
export interface AddedModel {
  readonly name: string;
  /** Absolute path of its file. */
  readonly file: string;
  /** Absolute path of the page of pictures before and after. */
  readonly sheet: string;
  readonly scale: number;
  readonly parameters: number;
  /** What its numbers were found to be. */
  readonly range: ValueRange;
  readonly order: ChannelOrder;
  /** Input pixels that one core computes in a second. */
  readonly pixelsPerSecond: number;
  /** Input pixels of context that a tile needs; null where it is given the whole picture. */
  readonly halo: number | null;
  /** Passes over a picture in tiles: more than 1 where it pools over the whole of it. */
  readonly passes: number;
  readonly approximate?: 1;
  /** Of 255 levels. */
  readonly approximateBy?: number;
  /** Bytes of activations for each input pixel of a tile. */
  readonly bytesPerPixel: number;
  /** What it did to the picture of the sheet. */
  readonly changes: {
    /** Decibels between the picture and the result, reduced to its size. */
    readonly likeness: number;
    /** By how many levels of 255 it made the picture redder, greener and bluer. */
    readonly shift: readonly [red: number, green: number, blue: number];
  };
  readonly notes: readonly string[];
}

export const factsName = 'facts.json';

/** Where networks lie that were added: in the user's data folder, or `UPRES_MODELS_FOLDER`. */
export const addedFolder = (): string =>
  process.env.UPRES_MODELS_FOLDER ?? join(envPaths('upres', { suffix: '' }).data, 'models');

/** A name that is never taken for a path or a flag. */
export const isName = (name: string): boolean => /^[A-Za-z\d][\w-]{0,63}$/.test(name);

/** All networks that were added, by name. */
export async function addedModels(): Promise<AddedModel[]> {
  const names = await readdir(addedFolder()).catch((): string[] => []);
  const found = await Promise.all(names.filter(isName).sort().map(addedModel));
  return found.filter((model) => model !== undefined);
}

/** Undefined where none of this name was added. */
export async function addedModel(name: string): Promise<AddedModel | undefined> {
  if (!isName(name)) return undefined;
  const folder = join(addedFolder(), name);
  const text = await readFile(join(folder, factsName), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const facts = JSON.parse(text) as AddedModel;
    return { ...facts, file: join(folder, facts.file), sheet: join(folder, facts.sheet) };
  } catch {
    // Cut short, or not ours: it is as if it were not there.
    return undefined;
  }
}
