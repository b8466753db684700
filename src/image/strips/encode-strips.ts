import type { Sharp } from 'sharp';
import { colourspace, finish, telling } from '../codec/encode.js';
import type { EncodeOptions } from '../codec/encode-options.js';
import { encodePng } from '../codec/encode-png.js';
import { hasFewColours } from '../codec/few-colours.js';
import { loadSharp } from '../codec/sharp.js';
import type { PictureTimer } from '../picture-timer.js';
import { encoderRows, inStrips, stripRows } from './in-strips.js';
import type { StripFile } from './strip-file.js';

/**
 * Encodes pixels that lie in a file, a few rows at a time. The bytes are those of `encode`.
 *
 * @param options of a format that `goesInStrips`
 * @throws OUTPUT_UNWRITABLE when the encoder refuses
 */
export function encodeStrips(file: StripFile, options: EncodeOptions, timer: PictureTimer): Promise<Uint8Array> {
  return telling(options.format, async () => {
    const { format } = options;
    const { width, height, channels, path } = file;
    const sharp = await loadSharp();
    const pipeline = (): Sharp => {
      timer.throwIfAborted();
      const settings = { sequentialRead: true, limitInputPixels: false } as const;
      return sharp(path, settings).toColourspace(colourspace(channels, false));
    };
    const pixels = width * height;
    const held = width * channels * encoderRows;
    if (format !== 'png') {
      return timer.codec(pixels, held, () => finish(pipeline(), { ...options, format }, pixels).toBuffer());
    }
    // A palette takes looking at all pixels together; what has so few colours compresses to next to nothing.
    const data = (await hasFewColours(rowsOf(file), file)) ? await file.readRows(0, height) : undefined;
    return timer.codec(pixels, held, () => encodePng({ width, height, channels, data }, false, pipeline));
  });
}

/** All values, from top to bottom. */
async function* rowsOf(file: StripFile): AsyncIterable<Uint8Array> {
  for (const { first, end } of inStrips(file.height, stripRows(file.width))) yield file.readRows(first, end);
}
