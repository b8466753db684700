import { basename, dirname, extname, join } from 'node:path';

/**
 * Where the card of a user's file may lie, the first that is about the file being taken: `<name>.card.json`, for folders with
 * several networks and next to a TensorFlow.js `model.json`; and `model.json`.
 */
export function cardPaths(path: string): string[] {
  const folder = dirname(path);
  const own = join(folder, `${basename(path, extname(path))}.card.json`);
  const shared = join(folder, 'model.json');
  return shared === join(folder, basename(path)) ? [own] : [own, shared];
}
