import { stat } from 'node:fs/promises';
import { looksLikePath } from '../model/catalogue/model-path.js';
import { autoModel } from '../image/auto/auto-model.js';
import { builtinLabels, insteadOf } from '../model/catalogue/registry.js';
import { UsageError } from './usage-error.js';

/**
 * Checks `--model` before any work: a label that exists, `auto`, or a file.
 * @throws UsageError MODEL_NOT_FOUND
 */
export async function checkModel(model: string): Promise<void> {
  const labels = [...builtinLabels().map(({ label }) => label), autoModel];
  if (labels.includes(model)) return;
  const stats = await stat(model).catch(() => undefined);
  if (stats?.isFile()) return;
  if (looksLikePath(model)) {
    throw new UsageError(
      `--model ${model}: there is no such ${stats ? 'file; a folder has this name' : 'file'}`,
      'MODEL_NOT_FOUND',
    );
  }
  throw new UsageError(
    `--model ${model}: there is no such label. Known are ${labels.join(', ')}; the path of a network's file (.onnx, .param, model.json, .rsr) works too.${insteadOf(model, labels)}`,
    'MODEL_NOT_FOUND',
  );
}
