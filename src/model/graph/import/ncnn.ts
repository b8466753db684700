import { UpresError } from '../../../errors.js';
import { binOf, refuseBinaryParam } from '../../catalogue/formats/ncnn.js';
import type { CardSide } from '../../catalogue/card.js';
import type { Importer } from './importer.js';
import { convertLayers } from './ncnn/convert.js';
import { parseParam } from './ncnn/param-text.js';

/**
 * Networks of ncnn (https://github.com/Tencent/ncnn), as Upscayl, realesrgan-ncnn-vulkan, waifu2x-ncnn-vulkan and
 * realcugan-ncnn-vulkan use them: a text `<name>.param` with the layers, and `<name>.bin` with float32 or float16 weights.
 * RGB in 0..1, as those programs give it to them.
 */
export const ncnnImporter: Importer = {
  convert: ({ path, bytes, companions }) => {
    refuseBinaryParam(path, bytes);
    const bin = binOf(path);
    const weights = companions.get(bin);
    if (!weights) {
      throw new UpresError(
        'MODEL_INVALID',
        `${path} has no ${bin} next to it, which holds its weights. Put both files into one folder.`,
        { file: path },
      );
    }
    const { model, channels } = convertLayers(parseParam(bytes, path), weights, path, bin);
    const side: CardSide = { layout: 'NCHW', type: 'float32', range: [0, 1], channels };
    return { model, card: { input: side, output: side } };
  },
};
