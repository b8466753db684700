import type { OutputFormat } from '../image/codec/formats.js';
import type { VariantPlan } from './asset-plan.js';
import type { ReportEntry, VariantStatus } from './report.js';

/** One output file of an asset. */
export interface RenderedVariant {
  readonly data: Uint8Array;
  readonly format: OutputFormat;
  /** Pixels of the file. */
  readonly width: number;
  readonly height: number;
  readonly status: VariantStatus;
  /** SHA-512 of the data in base64 digits, where that is known. */
  readonly hash?: string;
}

/** What is said of a file besides its bytes: for its name, and for the report. */
export type FileFacts = Pick<VariantPlan, 'name' | 'target' | 'density'> &
  Pick<ReportEntry, 'model' | 'modelReason' | 'device' | 'approximate' | 'approximateBy'>;

/** One file that an asset became. */
export interface AssetFile extends FileFacts {
  readonly rendered: RenderedVariant;
}

/** The source in place of a result that could not be made. */
export async function original({ image }: VariantPlan): Promise<RenderedVariant> {
  const { format, width, height } = await image.header();
  return { data: await image.bytes(), format, width, height, status: 'original' };
}

/** The source as it is. */
export async function asItIs({ image, format, width, height, isOverride }: VariantPlan): Promise<RenderedVariant> {
  return { data: await image.bytes(), format, width, height, status: isOverride ? 'override' : 'verbatim' };
}
