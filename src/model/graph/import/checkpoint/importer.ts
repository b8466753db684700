import { UpresError } from '../../../../errors.js';
import { isSafetensors } from '../../../catalogue/formats/checkpoint.js';
import { damaged } from '../damaged.js';
import type { Importer } from '../importer.js';
import type { Architecture } from './architecture.js';
import { compact } from './compact.js';
import { Layers, WeightsError } from './layers.js';
import { PickleError } from './pickle.js';
import { plksr } from './plksr.js';
import { findNetwork } from './root.js';
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
    const known = findNetwork(weights, ARCHITECTURES);
    if (!known) throw unsupported(unknown(weights));
    const { name } = known.architecture;
    try {
      const model = known.architecture.build(new Layers(known.weights));
      return { model, card: { source: `a checkpoint of ${name}` } };
    } catch (error) {
      if (error instanceof WeightsError) throw unsupported(`it looks like ${name}, but ${error.message}`);
      throw error;
    }
  },
};

/** What names of weights tell of those that are not known. */
const SIGNS: readonly (readonly [sign: RegExp, what: string])[] = [
  [/relative_position_bias_table|\.attns?\.|\.qkv\./, 'Such weights are of a transformer (SwinIR, HAT, DAT). '],
  [
    /\.weight_g$|\.parametrizations\.weight\.original0$/,
    'Its weights are kept as lengths and directions: torch.nn.utils.remove_weight_norm joins them. ',
  ],
  [/discriminator|^net_d|^D\./i, 'It may be what judges pictures in training, which enlarges none. '],
];

/** What a checkpoint is that no network was found in, and what is to be done. */
function unknown(weights: StateDict): string {
  if (weights.size === 0) return 'no weights are in it, or none that have names. Save the state_dict() of its network';
  const names = [...weights.keys()];
  const some = names.slice(0, 3).map((name) => name.slice(0, 60));
  const [, told = ''] = SIGNS.find(([sign]) => names.some((name) => sign.test(name))) ?? [];
  return (
    `it is a checkpoint of ${weights.size} weights (${some.join(', ')}…), of no architecture that is known: ` +
    `${ARCHITECTURES.map(({ name }) => name).join(', ')}. ${told}` +
    'Export it with torch.onnx.export, with dynamic height and width; the Python package spandrel makes the network of such a file'
  );
}

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
