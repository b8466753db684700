import { builtinLabels } from '../../model/catalogue/registry.js';
import { print } from '../streams.js';
import { addedModels } from './added-models.js';

/** `upres models`: what `--model` takes. */
export async function listModels({ json }: { json: boolean }): Promise<void> {
  const labels = builtinLabels();
  const added = await addedModels();
  if (json) {
    for (const { label, scales, display, for: use, licence, author, kind } of labels) {
      print(JSON.stringify({ label, scales, display, for: use, licence, author, kind }));
    }
    for (const { name, ...facts } of added) print(JSON.stringify({ label: name, kind: 'added', ...facts }));
    return;
  }
  const rows = labels.map(({ label, scales, for: use, licence, author }) => [
    label,
    scales.map((scale) => `×${scale}`).join(' '),
    use,
    licence,
    author,
  ]);
  for (const line of table([['label', 'scales', 'for', 'licence', 'author'], ...rows])) print(line);
  if (added.length > 0) {
    print('\nYour own, in pixels of one core:');
    const own = added.map(({ name, scale, pixelsPerSecond, halo, bytesPerPixel, changes, file }) => [
      name,
      `×${scale}`,
      `${(pixelsPerSecond / 1e6).toPrecision(2)} M/s`,
      halo === null ? 'whole' : String(halo),
      `${(bytesPerPixel / 1000).toPrecision(3)} kB`,
      `${changes.likeness} dB`,
      file,
    ]);
    const heads = ['name', 'scale', 'speed', 'halo', 'memory', 'likeness', 'file'];
    for (const line of table([heads, ...own])) print(line);
  }
  print(
    '\nauto (the default) takes for each image the one that suits it: natural, natural-jpeg, art or nearest,\nfor drawings stored with loss art-jpeg or anime-noise1, for small ones in several colours anime. Other factors are chained from these scales and reduced. Your own network works too: --model path/to/file.onnx (or .param, model.json, .rsr)',
  );
}

/** Left-aligned columns, two spaces between them. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
