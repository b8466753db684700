import { builtinLabels } from '../model/catalogue/registry.js';
import { print } from './streams.js';

/** `upres models`: what `--model` takes. */
export function listModels({ json }: { json: boolean }): void {
  const labels = builtinLabels();
  if (json) {
    for (const { label, scales, display, for: use, licence, author, kind } of labels) {
      print(JSON.stringify({ label, scales, display, for: use, licence, author, kind }));
    }
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
  print(
    '\nauto (the default) takes for each image the one that suits it: natural, natural-jpeg, art or nearest,\nfor drawings stored with loss also anime-noise1, for small ones in several colours anime. Other factors are chained from these scales and reduced. Your own network works too: --model path/to/file.onnx (or .param, model.json, .rsr)',
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
