import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { glob } from 'tinyglobby';
import { leadsToFile } from '#upres/asset/leads-to-file.js';
import { splitUrl } from '#upres/asset/urls.js';
import { writtenUrls, type LeftoversOption } from '#upres/asset/written-urls.js';
import { UpresError } from '#upres/errors.js';

/**
 * Directives that are still in a built site were seen by no one, and browsers would get the small image: those of strings, which
 * name files of `public/`, and those in CSS that Turbopack does not read, in `image-set()`.
 * @throws BAD_ARGUMENT where they are to be errors
 */
export async function reportUnresolved(
  { projectDir, distDir }: { projectDir: string; distDir: string },
  basePath: string,
  leftovers: LeftoversOption,
): Promise<void> {
  if (leftovers === 'ignore') return;
  const patterns = ['static/**/*.{css,js}', 'server/**/*.js'];
  const told: string[] = [];
  for (const file of (await glob(patterns, { cwd: distDir, absolute: true })).sort()) {
    const text = await readFile(file, 'utf8');
    for (const url of writtenUrls(file, () => text)) {
      if (!file.endsWith('.css') && !isPublic(url, projectDir, basePath)) continue;
      told.push(`"${url}" is still in ${relative(projectDir, file).split(sep).join('/')}: its image was not upscaled.`);
    }
  }
  if (told.length === 0) return;
  const message =
    `${told.join('\n')}\nDirectives work in imports, in new URL("…", import.meta.url) and in url() of CSS; Turbopack reads no URLs ` +
    'in an image-set(). Where it is none, say leftovers: "warn" or "ignore" in the options of upres.';
  if (leftovers === 'error') throw new UpresError('BAD_ARGUMENT', message);
  console.warn(`upres: ${message}`);
}

/** Whether a string of a script is the URL of a file that is served as it is. */
function isPublic(url: string, projectDir: string, basePath: string): boolean {
  const { path } = splitUrl(url);
  if (!path.startsWith(`${basePath}/`)) return false;
  return leadsToFile(join(projectDir, 'public'), path.slice(basePath.length));
}
