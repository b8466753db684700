import { chooseModel, type ModelChoice } from './choose-model.js';
import { decode } from './decode.js';
import { jpegQuality } from './jpeg-quality.js';
import type { Meter } from './meter.js';
import { pictureFeatures } from './picture-features.js';
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
  return chooseModel(pictureFeatures(frame!), header.format === 'jpeg' ? jpegQuality(bytes) : undefined);
}
