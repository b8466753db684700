import { readFile } from 'node:fs/promises';
import type { Compilation, LoaderContext } from 'webpack';
import type { AssetOptions } from '#upres/asset/options.js';
import { announceName } from './name-asset.js';

/** What an image becomes. */
export interface Made {
  readonly content: Buffer | string;
  /** How its file is called; undefined for a module. */
  readonly name?: string;
}

/** What a pitch has made of the bytes of a file. */
interface Held {
  readonly source: Buffer;
  readonly made: Promise<Made>;
}

/** Until the loader itself is called. */
const heldIn = new WeakMap<Compilation, Map<number, Held>>();

/** A loader's `data`, which Rspack copies from one call to the next. */
interface PitchData {
  readonly held: number;
}

let count = 0;

/** Makes a file before its loaders are called: in Rspack it has to have its name by then (see `announceName`). */
export function inPitch(
  context: LoaderContext<AssetOptions>,
  make: (context: LoaderContext<AssetOptions>, source: Buffer) => Promise<Made>,
): void {
  const callback = context.async();
  hold(context, make).then(() => {
    callback();
  }, callback);
}

async function hold(
  context: LoaderContext<AssetOptions>,
  make: (context: LoaderContext<AssetOptions>, source: Buffer) => Promise<Made>,
): Promise<void> {
  let source;
  try {
    source = await readFile(context.resourcePath);
  } catch {
    // Rspack has its own to say about a file that is not there, or knows where it is.
    return;
  }
  const made = make(context, source);
  try {
    const { name } = await made;
    if (name !== undefined) announceName(context, name);
  } catch {
    // It is told by the loader.
  }
  const held = heldIn.get(context._compilation!) ?? new Map<number, Held>();
  heldIn.set(context._compilation!, held);
  const data: PitchData = { held: count++ };
  Object.assign(context.data as object, data);
  held.set(data.held, { source, made });
}

/**
 * What was made in the pitch, if it was made of the same bytes: loaders in front of ours may have changed them.
 * @returns undefined otherwise
 */
export function takeFromPitch(context: LoaderContext<AssetOptions>, source: Buffer): Promise<Made> | undefined {
  const data = context.data as Partial<PitchData> | null | undefined;
  const held = heldIn.get(context._compilation!);
  if (!held || data?.held === undefined) return undefined;
  const found = held.get(data.held);
  held.delete(data.held);
  return found?.source.equals(source) ? found.made : undefined;
}
