import type { OutputFormat } from './formats.js';

export interface EncodeOptions {
  readonly format: OutputFormat;
  /** 1..100 for JPEG, WebP and AVIF; see `formatTraits` for the defaults. */
  readonly quality: number | undefined;
  /** Whether WebP and AVIF are written without loss; the quality then counts for nothing. */
  readonly lossless: boolean;
  /** Of an animation, milliseconds for each frame and rounds (0 = without end). */
  readonly delay: readonly number[] | undefined;
  readonly loop: number | undefined;
  /** Colours of the source were halved in resolution: a JPEG or an AVIF then does the same. */
  readonly subsampled: boolean;
  /**
   * The one colour of all invisible pixels of the source. What is written without loss has it again: the colours that were spread there for the
   * network would take more bytes than the picture.
   */
  readonly hidden: readonly number[] | undefined;
  /** The source had a palette: a PNG gets one again where no one sees the difference. */
  readonly palette: boolean;
  /** Colour profile to attach, already in force: values are not converted. */
  readonly profile: Uint8Array | undefined;
}
