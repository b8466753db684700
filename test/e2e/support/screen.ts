import type { Page } from 'playwright-core';
import sharp from 'sharp';

/** What is on the screen of a page. */
export class Screen {
  private constructor(
    private readonly page: Page,
    private readonly shot: Buffer,
    private readonly ratio: number,
  ) {}

  /**
   * Takes one picture of all that is in the window.
   * @param ratio pixels of the display for each CSS pixel
   */
  static async of(page: Page, ratio: number): Promise<Screen> {
    return new Screen(page, await page.screenshot(), ratio);
  }

  /**
   * How far an element is from a file that fills the layout pixel by pixel and has nothing but white around it: the mean over all
   * channels, 0 to 255. Decoders may differ a little.
   * @param layout CSS pixels; each has as many pixels of the file as of the display
   */
  async differenceFrom(
    file: Buffer,
    id: string,
    layout: { readonly width: number; readonly height: number },
  ): Promise<number> {
    const { x, y, width, height } = (await this.page.locator(`#${id}`).boundingBox())!;
    const seen = await sharp(this.shot)
      .extract({ left: x * this.ratio, top: y * this.ratio, width: width * this.ratio, height: height * this.ratio })
      .removeAlpha()
      .raw()
      .toBuffer();
    const expected = await sharp(file)
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .extend({
        right: (width - layout.width) * this.ratio,
        bottom: (height - layout.height) * this.ratio,
        background: 'white',
      })
      .removeAlpha()
      .raw()
      .toBuffer();
    if (expected.length !== seen.length) throw new Error(`${id} is ${width}×${height} on the screen`);
    return expected.reduce((sum, value, i) => sum + Math.abs(value - seen[i]!), 0) / expected.length;
  }
}
