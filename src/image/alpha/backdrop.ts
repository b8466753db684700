import { maxValue, type Frame, type PixelImage } from '../../pixels.js';

/** ITU-R BT.601, in 256ths. */
const lumaWeights = [77, 150, 29] as const;

/** A picture's rows as they are seen, in 8 bits: what is transparent lies on white or on black, whichever it differs from more. */
export class Backdrop {
  /** Share of pixels with some cover that let the ground shine through, 0 to 1. */
  readonly translucent: number;
  private readonly colour: PixelImage;
  private readonly cover: PixelImage['data'] | undefined;
  private readonly ground: 0 | 255;
  /** Levels for each level of 255. */
  private readonly perLevel: number;

  /** @param rowStep of the rows, only every n-th is looked at for the choice of the ground */
  constructor({ colour, alpha }: Frame, rowStep: number) {
    this.colour = colour;
    this.cover = alpha?.data;
    this.perLevel = maxValue(colour.data) / 255;
    const { width, height } = colour;
    let [luma, total, covered, translucent] = [0, 0, 0, 0];
    for (let y = 0; alpha && y < height; y += rowStep) {
      for (let pixel = y * width; pixel < (y + 1) * width; pixel++) {
        const cover = alpha.data[pixel]! / this.perLevel;
        if (cover === 0) continue;
        covered++;
        if (cover < 255) translucent++;
        total += cover;
        luma += cover * this.lumaOf(pixel);
      }
    }
    this.ground = luma > 128 * total ? 0 : 255;
    this.translucent = covered > 0 ? translucent / covered : 0;
  }

  /** Lays a row on its ground: R, G, B, and luma. */
  lay(y: number, rgb: Uint8Array, luma: Int16Array): void {
    const { width, channels, data } = this.colour;
    const cover = this.cover;
    if (!cover && channels === 3 && this.perLevel === 1) {
      // Most pictures: three times as fast as what follows.
      rgb.set(data.subarray(y * width * 3, (y + 1) * width * 3));
      lumaInto(rgb, luma);
      return;
    }
    const opaque = cover && maxValue(cover);
    const scale = 1 / this.perLevel;
    for (
      let x = 0, at = y * width * channels, pixel = y * width, to = 0;
      x < width;
      x++, pixel++, at += channels, to += 3
    ) {
      let r = data[at]! * scale;
      let g = channels === 3 ? data[at + 1]! * scale : r;
      let b = channels === 3 ? data[at + 2]! * scale : r;
      if (cover && cover[pixel] !== opaque) {
        const share = (cover[pixel]! * scale) / 255;
        const ground = this.ground * (1 - share);
        r = ground + share * r;
        g = ground + share * g;
        b = ground + share * b;
      }
      rgb[to] = r + 0.5;
      rgb[to + 1] = g + 0.5;
      rgb[to + 2] = b + 0.5;
    }
    lumaInto(rgb, luma);
  }

  private lumaOf(pixel: number): number {
    const { channels, data } = this.colour;
    if (channels === 1) return data[pixel]! / this.perLevel;
    const [red, green, blue] = lumaWeights;
    const at = 3 * pixel;
    return (red * data[at]! + green * data[at + 1]! + blue * data[at + 2]!) / 256 / this.perLevel;
  }
}

/** Whole levels. */
function lumaInto(rgb: Uint8Array, luma: Int16Array): void {
  const [red, green, blue] = lumaWeights;
  for (let x = 0, at = 0; x < luma.length; x++, at += 3) {
    luma[x] = (red * rgb[at]! + green * rgb[at + 1]! + blue * rgb[at + 2]!) >> 8;
  }
}
