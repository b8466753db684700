import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The files that decide what an ONNX file computes: itself, the weights that may lie beside it, and its card. All but the
 * first may be absent.
 */
export function modelFiles(path: string): string[] {
  return [path, `${path}.data`, `${path}_data`, join(dirname(path), 'model.json')];
}

/** A text that changes when one of these files does, without reading them: for what is kept from one look to the next. */
export async function modelStamp(path: string): Promise<string> {
  const stamps = modelFiles(path).map(async (file) => {
    const { mtimeMs, ctimeMs, size } = await stat(file).catch(() => ({ mtimeMs: 0, ctimeMs: 0, size: -1 }));
    return [mtimeMs, ctimeMs, size].join(' ');
  });
  return [path, ...(await Promise.all(stamps))].join('\n');
}
