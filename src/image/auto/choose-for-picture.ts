import { cellSize } from './cells.js';
import { type ModelChoice } from './auto-model.js';
import { chooseModel } from './choose-model.js';
import type { Damage, Sight } from './sight.js';
import { lossyStorage } from './read-lossy-storage.js';
import { pictureFeatures } from './picture-features.js';
import type { Frame } from '../../pixels.js';
import type { Header } from '../codec/header.js';

/**
 * Chooses a network for a file by its first frame.
 *
 * @param factor how much larger it is to be
 */
export async function chooseForPicture(
  bytes: Uint8Array,
  { format }: Pick<Header, 'format'>,
  frame: Frame,
  factor: number,
): Promise<ModelChoice> {
  return chooseModel(await lookAt(bytes, { format }, frame, factor));
}

/** What a choice is made by. */
export async function lookAt(
  bytes: Uint8Array,
  { format }: Pick<Header, 'format'>,
  frame: Frame,
  factor: number,
): Promise<Sight> {
  const damage = damageOf(bytes, format, frame);
  const features = await pictureFeatures(frame);
  const cell = damage || features.energy === 0 ? 1 : await cellSize(frame);
  return { features, damage, cell, factor };
}

function damageOf(bytes: Uint8Array, format: Header['format'], { colour }: Frame): Damage | undefined {
  const storage = lossyStorage(bytes, format);
  return storage && { ...storage, bitsPerPixel: (storage.pixelBytes * 8) / (colour.width * colour.height) };
}
