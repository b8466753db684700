import { copyFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UpresError } from '../../errors.js';
import { coloursOf, type DescribedModel } from '../../model/catalogue/colours.js';
import { cardPaths, modelFiles } from '../../model/catalogue/model-files.js';
import { readModelFile, readUserCard } from '../../model/catalogue/user-file.js';
import { outputError } from '../output-error.js';
import { addedFolder, addedModel, factsName, type AddedModel } from './added-models.js';
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
  const there = await stat(folder).catch(() => undefined);
  if (there && !overwrite) {
    const message = `a network is called ${name} already: take another name, or --overwrite`;
    throw new UpresError('OUTPUT_EXISTS', message, { file: folder });
  }
  const { sha256 } = await readModelFile(file);
  const own = await readUserCard(file, sha256);
  const { facts, card, before, after } = await tryModel(file, model, await samplePicture(sample));
  const stated = coloursOf(model);
  const draft = path.join(addedFolder(), `.${name}-${process.pid}`);
  try {
    await mkdir(draft, { recursive: true });
    const cards = new Set(cardPaths(file));
    const from = path.dirname(file);
    for (const source of modelFiles(file)) {
      if (cards.has(source) || !(await stat(source).catch(() => undefined))) continue;
      const target = path.join(draft, path.relative(from, source));
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
    const [cardPath] = cardPaths(path.join(draft, path.basename(file)));
    await writeFile(cardPath!, `${JSON.stringify(full, undefined, 2)}\n`);
    await writeFile(path.join(draft, 'sheet.png'), await sheetOf(before, after));
    const told = { name, file: path.basename(file), sheet: 'sheet.png', ...facts };
    await writeFile(path.join(draft, factsName), `${JSON.stringify(told, undefined, 2)}\n`);
    if (there) await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw outputError(error, folder);
  }
  return (await addedModel(name))!;
}

/** Forgets a network. @returns whether there was one */
export async function removeModel(name: string): Promise<boolean> {
  if ((await addedModel(name)) === undefined) return false;
  await rm(path.join(addedFolder(), name), { recursive: true, force: true });
  return true;
}
