import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { leadsToFile } from '#upres/asset/leads-to-file.js';
import { decoded, splitUrl } from '#upres/asset/urls.js';
import { writtenUrls } from '#upres/asset/written-urls.js';
import type { BuildResult } from './bundler.js';

/**
 * What is to be said of directives that are still in a build's files, of images that are there: esbuild looks at imports and at
 * `url()`, not at `new URL()` or at strings.
 */
export async function unresolvedOf({ outputFiles, metafile }: BuildResult, root: string): Promise<string[]> {
  const told: string[] = [];
  for (const [output, { inputs }] of Object.entries(metafile?.outputs ?? {})) {
    if (!/\.(?:[cm]?js|css|html)$/.test(output)) continue;
    const path = resolve(root, output);
    // Where files are not written they are in memory.
    const file = outputFiles?.find((one) => one.path === path);
    const text = file ? file.text : await readFile(path, 'utf8').catch(() => '');
    const folders = [root, ...Object.keys(inputs).map((input) => dirname(resolve(root, input)))];
    for (const url of writtenUrls(output, () => text)) {
      const image = decoded(splitUrl(url).path);
      if (!folders.some((folder) => leadsToFile(folder, image))) continue;
      told.push(
        `"${url}" is still in ${relative(root, path).split(sep).join('/')}: its image was not upscaled. Directives work in imports and ` +
          'in CSS; use an import in place of new URL() and of strings. Where it is none, say leftovers: "warn" or "ignore" in the ' +
          'options of upres.',
      );
    }
  }
  return told;
}
