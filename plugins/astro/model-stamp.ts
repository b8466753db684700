import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { ownModelFiles, ownModelColours } from '#upres/asset/inputs.js';
import type { AssetOptions } from '#upres/asset/options.js';

/** A text that changes with the networks of the user's own: Astro asks for a service's settings at once. */
export function modelStampSync(models: NonNullable<AssetOptions['models']>): string {
  const hash = createHash('sha256');
  for (const label of Object.keys(models).sort()) {
    hash.update(ownModelColours({ models }, label));
    for (const file of ownModelFiles({ models }, process.cwd(), label)) {
      try {
        const contents = readFileSync(resolve(file));
        hash.update(`${label} ${contents.length} `).update(contents);
      } catch {
        // Most files that may lie next to a network don't; a network that is missing itself is reported when it is used.
      }
    }
  }
  return hash.digest('hex');
}
