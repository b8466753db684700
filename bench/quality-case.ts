import type { RgbaImage } from './quality-data.js';

/** A small picture as a file, and the large one that it ought to become. */
export interface QualityCase {
  /** Groups are printed as tables of their own. */
  readonly group: 'photographs' | 'drawings' | 'pages' | 'codes' | 'pixel art';
  /** The row of the table: cases of one row are averaged. */
  readonly row: string;
  readonly name: string;
  readonly scale: number;
  /** Of drawings, pixels of the small one's side. */
  readonly size?: number;
  /** PNG, JPEG or WebP, as a user has it. */
  readonly file: Uint8Array;
  /** `scale` times the size of the small one exactly. */
  readonly truth: RgbaImage;
  /** What is compared: luma without a border, as the literature does for photographs; or all of R, G and B, laid on white. */
  readonly compare: 'luma' | 'rgb';
  /** What a code says. */
  readonly text?: string;
}

/** Cases, and the rows that could not be made, with the reason. */
export interface CaseSource {
  readonly cases: readonly QualityCase[];
  readonly missing: readonly string[];
}
