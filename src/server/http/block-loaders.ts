import { loadSharp } from '../../image/codec/sharp.js';

/** What opens the formats that are served; Nsgif is libvips' name of its GIF decoder, Heif of the one for AVIF. */
const served = ['Png', 'Jpeg', 'Webp', 'Heif', 'Nsgif', 'Tiff'].map((name) => `VipsForeignLoad${name}`);

/**
 * Switches off all other decoders, for every user of this copy of sharp in this process: where the first bytes of an image should
 * ever deceive, there is nothing that could be reached by it.
 */
export async function blockOtherLoaders(): Promise<void> {
  await loadSharp();
  const { default: sharp } = await import('sharp');
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: served });
}
