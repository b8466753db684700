// Upscales a site's pictures with the engine alone, all calls at once: read, decoded, computed, encoded.
// Arguments: site, site that the results are written to (may be left out).
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { UpscaleResult } from '#src/image/upscale.js';
import { factor, modelFor, pictureFolder, picturesOf } from '../site-files.js';
import { report } from './build.js';

const [site = '', target] = process.argv.slice(2);
const files = await picturesOf(site);
let results: UpscaleResult[] = [];
await report(async () => {
  // Plugins load the engine while they build, so its loading counts here too.
  const { Upscaler } = await import('#src/image/upscale.js');
  await using upscaler = new Upscaler();
  results = await Promise.all(files.map((file) => upscaler.upscale(file, { upscale: factor, model: modelFor(file) })));
});
if (target !== undefined) {
  const folder = join(target, pictureFolder);
  await mkdir(folder, { recursive: true });
  for (const [index, { data }] of results.entries()) await writeFile(join(folder, basename(files[index]!)), data);
}
