import { chooseModel, type JpegDamage, type ModelChoice } from './choose-model.js';
import { decode } from './decode.js';
import { jpegStorage } from './jpeg-quality.js';
import type { Meter } from './meter.js';
import { pictureFeatures } from './picture-features.js';
import type { Frame } from './planes.js';
import type { Header } from './probe.js';

/**
 * Chooses a network for a file by its first frame.
 *
 * @throws INPUT_CORRUPT as `decode`
 */
export async function chooseForFile(
  bytes: Uint8Array,
  header: Header,
  { file, meter }: { file: string | undefined; meter: Meter },
): Promise<ModelChoice> {
  const [frame] = await decode(bytes, header, { frames: 1, colour: 'srgb', file, meter });
  const features = await pictureFeatures(frame!);
  return chooseModel(features, header.format === 'jpeg' ? damageOf(bytes, frame!) : undefined);
}

function damageOf(bytes: Uint8Array, { colour: { width, height } }: Frame): JpegDamage | undefined {
  const storage = jpegStorage(bytes);
  return storage && { ...storage, bitsPerPixel: (storage.pixelBytes * 8) / (width * height) };
}
