import { basename } from 'node:path';
import { autoModel } from '../image/auto/auto-model.js';
import type { OutputFormat } from '../image/codec/formats.js';
import { nearness, type Approximate } from '../network/approximate.js';
import type { Device } from '../network/device.js';

/** How a variant came to be. */
export type VariantStatus =
  | 'computed'
  | 'cached'
  /** The source as it is: nothing had to be done. */
  | 'verbatim'
  /** A picture made by hand stood next to the source. */
  | 'override'
  /** It failed, and the source took its place. */
  | 'original'
  /** It failed, and a resize without a network took its place. */
  | 'resized';

export interface PictureFacts {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** The file itself, where the page of the report needs it. */
  readonly data: Uint8Array | undefined;
}

/** What was done for one variant. */
export interface ReportEntry extends Approximate {
  /** Absolute path of the asset. */
  readonly file: string;
  /** Name of the variant. */
  readonly name: string;
  readonly model: string;
  /** Why `auto` chose it. */
  readonly modelReason?: string | undefined;
  /** What computed it; undefined where nothing was computed. */
  readonly device?: Device | undefined;
  readonly before: PictureFacts;
  readonly after: PictureFacts;
  /** The source's. */
  readonly beforeFormat: OutputFormat;
  /** The result's. */
  readonly format: OutputFormat;
  readonly status: VariantStatus;
  /** Milliseconds from asking to having. */
  readonly ms: number;
  /** Why the result is not what was asked for. */
  readonly warning: string | undefined;
}

/** This many lines go into a build's log; the page has them all. */
const mostLines = 12;

/** What a build did, variant by variant; the same variant made again (another environment, a rebuild) takes its own place. */
export class AssetReport {
  private readonly byVariant = new Map<string, ReportEntry>();

  add(entry: ReportEntry): void {
    const asked = entry.modelReason === undefined ? entry.model : autoModel;
    this.byVariant.set(`${entry.file}\n${entry.name}\n${asked}\n${entry.format}`, entry);
  }

  /** Sorted, so that a report does not depend on the order of work. */
  entries(): ReportEntry[] {
    return [...this.byVariant].sort(([a], [b]) => compare(a, b)).map(([, entry]) => entry);
  }

  clear(): void {
    this.byVariant.clear();
  }

  /** Forgets the variants of other assets: those that a build has no more. */
  retain(isThere: (file: string) => boolean): void {
    for (const [key, { file }] of this.byVariant) if (!isThere(file)) this.byVariant.delete(key);
  }

  /** A short table for the build's log, of all entries or of these; nothing where nothing was done. */
  table(entries: readonly ReportEntry[] = this.entries()): string[] {
    if (entries.length === 0) return [];
    const rows = entries
      .slice(0, mostLines)
      .map((entry) => [
        basename(entry.name),
        `${entry.before.width}×${entry.before.height} → ${entry.after.width}×${entry.after.height}`,
        `${kilobytes(entry.before.bytes)} → ${kilobytes(entry.after.bytes)}`,
        describeStatus(entry),
      ]);
    const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
    const lines = rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    if (entries.length > mostLines) lines.push(`… and ${entries.length - mostLines} more`);
    return [...lines, this.summary(entries)];
  }

  /** One line, of all entries or of these. */
  summary(entries: readonly ReportEntry[] = this.entries()): string {
    const count = (status: VariantStatus): number => entries.filter((entry) => entry.status === status).length;
    const words: [VariantStatus, string][] = [
      ['computed', 'computed'],
      ['cached', 'from the cache'],
      ['override', 'made by hand'],
      ['verbatim', 'as they were'],
      ['original', 'left as they were after an error'],
      ['resized', 'resized after an error'],
    ];
    const parts = words.filter(([status]) => count(status) > 0).map(([status, text]) => `${count(status)} ${text}`);
    const before = [...new Map(entries.map((entry) => [entry.file, entry.before.bytes])).values()];
    const growth = [before, entries.map(({ after }) => after.bytes)].map((sizes) => kilobytes(sum(sizes)));
    const pictures = `${entries.length} ${entries.length === 1 ? 'picture' : 'pictures'}`;
    return `${pictures} (${parts.join(', ')}), ${growth.join(' → ')}`;
  }
}

/** What made the picture, in words: no network has a part in one that is not larger than its source. */
export function describeMaker(entry: ReportEntry): string {
  const { model, modelReason, device = 'cpu', before, after } = entry;
  if (after.width <= before.width && after.height <= before.height) return 'no network';
  const chosen = modelReason === undefined ? model : `${model} (${modelReason})`;
  return `${chosen}${device === 'cpu' ? '' : ` on ${device}`}${nearness(entry)}`;
}

/** In words, for one line. */
export function describeStatus(entry: ReportEntry): string {
  const { status, ms, warning } = entry;
  switch (status) {
    case 'computed':
      return `${describeMaker(entry)}, ${(ms / 1000).toFixed(1)} s`;
    case 'cached':
      return `${describeMaker(entry)}, from the cache`;
    case 'override':
      return 'made by hand';
    case 'verbatim':
      return 'as it was';
    case 'original':
      return `left as it was: ${warning ?? ''}`;
    case 'resized':
      return `resized: ${warning ?? ''}`;
  }
}

/** `12.3 kB`, in thousands. */
export function kilobytes(bytes: number): string {
  return bytes < 999_500 ? `${Number((bytes / 1e3).toPrecision(3))} kB` : `${Number((bytes / 1e6).toPrecision(3))} MB`;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
