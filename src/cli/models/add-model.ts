import { randomUUID } from 'node:crypto';
import { copyFile, lstat, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isMissing, UpresError } from '../../errors.js';
import { coloursOf, type DescribedModel } from '../../model/catalogue/colours.js';
import { cardPaths, modelFiles } from '../../model/catalogue/model-files.js';
import { readModelFile, readUserCard } from '../../model/catalogue/user-file.js';
import { outputError } from '../output-error.js';
import { addedFolder, addedModel, factsName, isName, type AddedModel } from './added-models.js';
import { samplePicture, sheetOf } from './sheet.js';
import { tryModel } from './try-model.js';

export interface AddRequest {
  readonly name: string;
  /** What is said of its numbers, and its file. */
  readonly model: DescribedModel;
  /** A picture to show it with. */
  readonly sample: string | undefined;
  /** In place of one of the same name. */
  readonly overwrite: boolean;
}

/**
 * Tries a network, and keeps it under a name: its files, a card with what was found, and a sheet of pictures.
 * @throws OUTPUT_EXISTS, OUTPUT_UNWRITABLE, and what is wrong with the network
 */
export async function addModel({ name, model, sample, overwrite }: AddRequest): Promise<AddedModel> {
  const { file } = model;
  const folder = path.join(addedFolder(), name);
  if (!overwrite && (await isThere(folder))) throw taken(name, folder);
  const { sha256 } = await readModelFile(file);
  const own = await readUserCard(file, sha256);
  const { facts, card, before, after } = await tryModel(file, model, await samplePicture(sample));
  const stated = coloursOf(model);
  const draft = path.join(addedFolder(), `.${name}-${randomUUID()}`);
  // A folder of its own: no file of a network has the name of another file here.
  const inner = path.join(draft, 'network');
  try {
    await mkdir(inner, { recursive: true });
    const cards = new Set(cardPaths(file));
    const from = path.dirname(file);
    for (const source of modelFiles(file)) {
      if (cards.has(source) || !(await stat(source).catch(() => undefined))) continue;
      const target = path.join(inner, path.relative(from, source));
      await mkdir(path.dirname(target), { recursive: true });
      await copyFile(source, target);
    }
    const { range, order } = stated;
    const side = { ...(range && { range }), ...(order && { order }) };
    const full = {
      ...card,
      ...own,
      sha256,
      label: name,
      input: { ...card.input, ...own.input, ...side },
      output: { ...card.output, ...own.output, ...side },
    };
    const [cardPath] = cardPaths(path.join(inner, path.basename(file)));
    await writeFile(cardPath!, `${JSON.stringify(full, undefined, 2)}\n`);
    await writeFile(path.join(draft, 'sheet.png'), await sheetOf(before, after));
    const told = { name, file: path.join('network', path.basename(file)), sheet: 'sheet.png', ...facts };
    await writeFile(path.join(draft, factsName), `${JSON.stringify(told, undefined, 2)}\n`);
    await publish(draft, name, folder, overwrite);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw outputError(error, folder);
  }
  return (await addedModel(name))!;
}

/** Puts a draft in its place. Of several at once one has it, or with `overwrite` the last one. */
async function publish(draft: string, name: string, folder: string, overwrite: boolean): Promise<void> {
  for (;;) {
    try {
      await rename(draft, folder);
      return;
    } catch (error) {
      if (!(await isThere(folder))) throw error;
      if (!overwrite) throw taken(name, folder);
    }
    const old = `${draft}-old`;
    await rename(folder, old).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await rm(old, { recursive: true, force: true });
  }
}

const taken = (name: string, folder: string): UpresError =>
  new UpresError('OUTPUT_EXISTS', `a network is called ${name} already: take another name, or --overwrite`, {
    file: folder,
  });

const isThere = (folder: string): Promise<boolean> =>
  lstat(folder).then(
    () => true,
    () => false,
  );

/** Forgets a network, and what is left of a damaged one. @returns whether there was one */
export async function removeModel(name: string): Promise<boolean> {
  const folder = path.join(addedFolder(), name);
  if (!isName(name) || !(await isThere(folder))) return false;
  await rm(folder, { recursive: true, force: true });
  return true;
}
