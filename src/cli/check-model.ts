import { stat } from 'node:fs/promises';
import { computedBy, type ModelChoice } from '../model/catalogue/colours.js';
import { computingId, type ComputingOptions } from '../model/catalogue/computing.js';
import { looksLikePath } from '../model/catalogue/formats/formats.js';
import { autoModel } from '../image/auto/auto-model.js';
import { builtinLabels, insteadOf } from '../model/catalogue/registry.js';
import { addedModel } from './models/added-models.js';
import { UsageError } from './usage-error.js';

/** What `--model` names, and how it may be computed. */
export function chosenModel({ model, ...computing }: ModelFlags): ModelChoice | undefined {
  if (model === undefined || isLabel(model)) return model;
  return computedBy(model, computing);
}

interface ModelFlags extends ComputingOptions {
  readonly model?: string | undefined;
}

const labels = (): string[] => [...builtinLabels().map(({ label }) => label), autoModel];
const isLabel = (model: string): boolean => labels().includes(model);

/**
 * Checks `--model` before any work: a label that exists, `auto`, a name that was added, or a file.
 * @returns for a name the path of its file
 * @throws UsageError MODEL_NOT_FOUND
 */
export async function checkModel({ model, ...computing }: ModelFlags): Promise<string | undefined> {
  if (model === undefined || isLabel(model)) {
    if (computingId(computing) === '') return model;
    throw new UsageError(
      '--accept-approximation and --memory-budget are for a network of your own: name its file with --model',
    );
  }
  const stats = await stat(model).catch(() => undefined);
  if (stats?.isFile()) return model;
  const added = await addedModel(model);
  if (added) return added.file;
  if (looksLikePath(model)) {
    throw new UsageError(
      `--model ${model}: there is no such ${stats ? 'file; a folder has this name' : 'file'}`,
      'MODEL_NOT_FOUND',
    );
  }
  throw new UsageError(
    `--model ${model}: there is no such label. Known are ${labels().join(', ')}; the path of a network's file (.onnx, .param, model.json, .rsr) works too.${insteadOf(model, labels())}`,
    'MODEL_NOT_FOUND',
  );
}

/**
 * Checks `--model` for a farm, whose workers know networks of their owner's by label.
 * @throws UsageError for a file of this machine
 */
export async function checkFarmModel({ model, ...computing }: ModelFlags): Promise<void> {
  if (model === undefined || isLabel(model)) {
    await checkModel({ model, ...computing });
    return;
  }
  const stats = await stat(model).catch(() => undefined);
  if (!stats?.isFile() && !looksLikePath(model) && computingId(computing) === '') return;
  throw new UsageError(
    '--queue has workers compute, who know networks by label: name the file to each of them (upres worker --models mine=net.onnx), and its label with --model',
  );
}
