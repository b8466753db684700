import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { textOf, unresolvedDirectives, type UnresolvedDirective } from '#upres/asset/unresolved-directives.js';
import { mayHaveUrls } from '#upres/asset/written-urls.js';
import type { ResolvedConfig } from 'vite';

/** Directives in files of `public/`, which are copied as they are. */
export function copied(
  { build, consumer }: Environment,
  site: ResolvedConfig,
  parse: (code: string) => unknown,
): UnresolvedDirective[] {
  const { publicDir, root } = site;
  if (publicDir === '' || !build.copyPublicDir || consumer !== 'client' || !existsSync(publicDir)) return [];
  return readdirSync(publicDir, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const file = join(entry.parentPath, entry.name);
    // Folders may be called like files: `chart.js/`.
    const source = !entry.isDirectory() && mayHaveUrls(entry.name) ? readIfMentioned(file) : undefined;
    if (source === undefined) return [];
    const fileName = relative(publicDir, file);
    const output = { type: 'asset', fileName, originalFileNames: [relative(root, file)], source } as const;
    return unresolvedDirectives(output, site, parse).map((found) => ({ ...found, files: [file] }));
  });
}

type Environment = Pick<ResolvedConfig, 'build'> & { readonly consumer: string };

/**
 * The text of a file with directives in it.
 * @returns undefined for a link that leads nowhere or to a folder, and for what can't be read: Vite tells what it can't copy
 */
function readIfMentioned(file: string): string | undefined {
  try {
    return statSync(file).isFile() && mentions(file) ? textOf(readFileSync(file)) : undefined;
  } catch {
    return undefined;
  }
}

const blockSize = 2 ** 20;
/** In UTF-8; and in UTF-16, where one byte beside each letter is zero, before or behind it. */
const spellings = [Buffer.from('upscale'), Buffer.from('upscale', 'utf16le').subarray(0, -1)];
const longest = Math.max(...spellings.map(({ length }) => length));

/** Each build asks, so data is read block by block, and no more of it than it takes. */
function mentions(file: string): boolean {
  const block = Buffer.allocUnsafe(blockSize);
  const descriptor = openSync(file, 'r');
  try {
    for (let kept = 0; ;) {
      const read = readSync(descriptor, block, kept, blockSize - kept, null);
      const seen = block.subarray(0, kept + read);
      if (spellings.some((spelling) => seen.includes(spelling))) return true;
      if (read === 0) return false;
      // The word may begin in one block and end in the next.
      kept = Math.min(longest, seen.length);
      seen.copyWithin(0, seen.length - kept);
    }
  } finally {
    closeSync(descriptor);
  }
}
