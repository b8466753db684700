import type { CodedColours } from './coded-colours.js';
import type { OutputFormat } from './formats.js';

/** What the header of an image says. */
export interface ImageInfo {
  /** By its bytes, whatever the file is called. */
  readonly format: OutputFormat;
  /** Pixels, after the EXIF orientation. */
  readonly width: number;
  /** Pixels of one frame, after the EXIF orientation. */
  readonly height: number;
  /** More than 1 for an animation. The pages of a TIFF are not frames: the first one is the picture. */
  readonly frames: number;
  /** Whether there is an alpha channel or a transparent colour, used or not. */
  readonly alpha: boolean;
  /** One channel of colour. */
  readonly grey: boolean;
  /** Bits for each channel that are worked with: 16 where the file has more than 8. */
  readonly depth: 8 | 16;
}

/** What decoding and encoding need to know beyond that. */
export interface Header extends ImageInfo {
  /** As EXIF has it, 1 to 8; what of it counts depends on the format. */
  readonly orientation: number;
  /** Frames of which only the first can be read. */
  readonly lostFrames: number;
  /** Milliseconds for each frame. */
  readonly delay: readonly number[] | undefined;
  /** Number of rounds; 0 = without end. */
  readonly loop: number | undefined;
  /** The colour profile: the embedded one, when it is one and fits the picture's channels, or one that says what the file says else. */
  readonly profile: Uint8Array | undefined;
  /**
   * What the file says of its colours in other words, if that is what counts; the decoder knows nothing of it.
   * @internal
   */
  readonly codedColours: CodedColours | undefined;
  /** Whether a WebP or AVIF keeps every pixel as it was. */
  readonly lossless: boolean;
  /** Whether its colours are inks whose look nothing tells: CMYK without a profile. */
  readonly bareInks: boolean;
  /** Whether its colours come from a palette. */
  readonly palette: boolean;
  /** Whether its colours are halved in resolution (4:2:0 and the like), as of most JPEGs, every lossy WebP and many AVIFs. */
  readonly subsampled: boolean;
}
