import { basename } from 'node:path';
import { UpresError } from '../../errors.js';
import type { CardSide } from '../card.js';
import type { Importer } from './importer.js';
import { convertLayers } from './ncnn/convert.js';
import { isBinaryParam, isParamText, parseParam } from './ncnn/param-text.js';

/**
 * Networks of ncnn (https://github.com/Tencent/ncnn), as Upscayl, realesrgan-ncnn-vulkan, waifu2x-ncnn-vulkan and
 * realcugan-ncnn-vulkan use them: a text `<name>.param` with the layers, and `<name>.bin` with float32 or float16 weights.
 * RGB in 0..1, as those programs give it to them.
 */
export const ncnnImporter: Importer = {
  format: 'ncnn',

  accepts: (_path, bytes) => isParamText(bytes) || isBinaryParam(bytes),

  companions: (path, bytes) => {
    if (isBinaryParam(bytes)) throw binary(path);
    return [binOf(path)];
  },

  convert: ({ path, bytes, beside }) => {
    if (isBinaryParam(bytes)) throw binary(path);
    const bin = binOf(path);
    const weights = beside.get(bin);
    if (!weights) {
      throw new UpresError(
        'MODEL_INVALID',
        `${path} has no ${bin} beside it, which holds its weights. Put both files into one folder.`,
        { file: path },
      );
    }
    const { model, channels } = convertLayers(parseParam(bytes, path), weights, path, bin);
    const side: CardSide = { layout: 'NCHW', type: 'float32', range: [0, 1], channels };
    return { model, card: { input: side, output: side } };
  },
};

function binOf(path: string): string {
  return `${basename(path).replace(/\.param$/i, '')}.bin`;
}

function binary(path: string): UpresError {
  return new UpresError(
    'MODEL_UNSUPPORTED',
    `${path} is a binary .param file, which has no names in it. Take the text .param file of the same network.`,
    { file: path },
  );
}
