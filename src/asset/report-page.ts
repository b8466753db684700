import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { UpresError } from '../errors.js';
import type { OutputFormat } from '../image/codec/formats.js';
import { mimeType } from './markup.js';
import { script, style } from './report-page-assets.js';
import { describeMaker, describeStatus, kilobytes, type PictureFacts, type ReportEntry } from './report.js';

/**
 * Writes the page of a report, whole or not at all.
 * @throws OUTPUT_UNWRITABLE
 */
export async function writeReportPage(file: string, entries: readonly ReportEntry[]): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFileAtomic(file, reportPage(entries));
  } catch (cause) {
    throw new UpresError('OUTPUT_UNWRITABLE', 'the report can’t be written there', { file, cause });
  }
}

/**
 * One self-contained page that shows before and after of every variant, one over the other with a slider between them. It
 * loads nothing: pictures are in it, and its policy forbids requests.
 * @param entries in the order in which they are shown
 */
export function reportPage(entries: readonly ReportEntry[], title = 'upres: before and after'): string {
  const bytes = entries.reduce((sum, { after }) => sum + after.bytes, 0);
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${entries.length} ${entries.length === 1 ? 'picture' : 'pictures'}, ${kilobytes(bytes)}</p>
${entries.map(section).join('\n')}
<script>${script}</script>
</body>
</html>
`;
}

function section(entry: ReportEntry): string {
  const { name, file, before, after, status, ms, format } = entry;
  const title = escapeHtml(basename(name));
  const rows: [string, string][] = [
    ['from', basename(file)],
    ['size', `${before.width}×${before.height} → ${after.width}×${after.height}`],
    ['bytes', `${kilobytes(before.bytes)} → ${kilobytes(after.bytes)}`],
    ['format', format],
    ['model', describeMaker(entry)],
    ['time', `${(ms / 1000).toFixed(2)} s`],
    ['status', status === 'computed' || status === 'cached' ? status : describeStatus(entry)],
  ];
  return `<section>
<h2>${title}</h2>
${comparison(entry, title)}
<dl>${rows.map(([term, text]) => `<div><dt>${term}</dt><dd>${escapeHtml(text)}</dd></div>`).join('')}</dl>
</section>`;
}

/** Both at the size of the result, so that the same place of the one lies over that of the other. */
function comparison({ before, after, beforeFormat, format }: ReportEntry, title: string): string {
  if (!before.data || !after.data) return '';
  if (format === 'tiff' || beforeFormat === 'tiff') return '<p>Browsers do not show TIFF.</p>';
  const size = `width="${after.width}" height="${after.height}"`;
  return `<div class="compare" style="aspect-ratio: ${after.width} / ${after.height}; max-width: ${after.width}px">
<img class="after" ${size} alt="${title} after" src="${dataUri(after, format)}">
<img class="before" ${size} alt="${title} before" src="${dataUri(before, beforeFormat)}">
</div>
<label>before <input type="range" min="0" max="100" value="50" aria-label="Share of ${title} that shows the picture before"> after</label>`;
}

function dataUri({ data }: PictureFacts, format: OutputFormat): string {
  return `data:${mimeType(format)};base64,${Buffer.from(data ?? []).toString('base64')}`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
