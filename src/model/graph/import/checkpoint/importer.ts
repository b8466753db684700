import { UpresError } from '../../../../errors.js';
import { isSafetensors } from '../../../catalogue/formats/checkpoint.js';
import { damaged } from '../damaged.js';
import type { Importer } from '../importer.js';
import type { Architecture } from './architecture.js';
import { compact } from './compact.js';
import { Layers, WeightsError } from './layers.js';
import { PickleError } from './pickle.js';
import { plksr } from './plksr.js';
import { rrdb } from './rrdb.js';
import { safmn } from './safmn.js';
import { readSafetensors, SafetensorsError } from './safetensors.js';
import { span } from './span.js';
import { readTorch, type StateDict } from './torch-file.js';
import { ZipError } from './torch-zip.js';

const ARCHITECTURES: readonly Architecture[] = [compact, rrdb, span, plksr, safmn];

/** Checkpoints of PyTorch: weights alone, whose names tell what network they are of. */
export const checkpoint: Importer = {
  convert({ path, bytes }) {
    const unsupported = (why: string): UpresError =>
      new UpresError('MODEL_UNSUPPORTED', `${path} can't be used: ${why}.`, { file: path });
    const weights = read(path, bytes, unsupported);
    const known = ARCHITECTURES.find((architecture) => architecture.matches((name) => weights.has(name)));
    if (!known) {
      const some = [...weights.keys()].slice(0, 3).map((name) => name.slice(0, 60));
      throw unsupported(
        `it is a checkpoint of ${weights.size} weights (${some.join(', ')}…), of no architecture that is known: ` +
          `${ARCHITECTURES.map(({ name }) => name).join(', ')}. Export it with torch.onnx.export, with dynamic height and width`,
      );
    }
    try {
      const model = known.build(new Layers(weights));
      return { model, card: { source: `a checkpoint of ${known.name}` } };
    } catch (error) {
      if (error instanceof WeightsError) throw unsupported(`it looks like ${known.name}, but ${error.message}`);
      throw error;
    }
  },
};

function read(path: string, bytes: Uint8Array, unsupported: (why: string) => UpresError): StateDict {
  try {
    return isSafetensors(bytes) ? readSafetensors(bytes) : readTorch(bytes);
  } catch (error) {
    if (error instanceof PickleError && error.refused) throw unsupported(error.message);
    if (error instanceof PickleError) throw damaged(path, error.offset, error.message, error);
    if (error instanceof ZipError || error instanceof SafetensorsError) throw damaged(path, 0, error.message, error);
    throw error;
  }
}
