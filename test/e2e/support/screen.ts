import type { Page } from 'playwright-core';
import sharp from 'sharp';

/**
 * How far what is on the screen is from a file that fills the layout pixel by pixel and has nothing but white around it: the mean
 * over all channels, 0 to 255. Decoders may differ a little.
 * @param ratio pixels of the display for each CSS pixel, and of the file for each CSS pixel of the layout
 */
export async function differenceFrom(
  file: Buffer,
  page: Page,
  id: string,
  layout: { readonly width: number; readonly height: number },
  ratio: number,
): Promise<number> {
  const shot = await page.locator(`#${id}`).screenshot();
  const { data: seen, info } = await sharp(shot).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const expected = await sharp(file)
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .extend({
      right: info.width - layout.width * ratio,
      bottom: info.height - layout.height * ratio,
      background: 'white',
    })
    .removeAlpha()
    .raw()
    .toBuffer();
  if (expected.length !== seen.length) throw new Error(`${id} is ${info.width}×${info.height} on the screen`);
  return expected.reduce((sum, value, i) => sum + Math.abs(value - seen[i]!), 0) / expected.length;
}
