import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Upscaler } from '#src/image/upscale.js';

/** An upscaler for one test file, with a folder that goes with it. */
export function useUpscaler(options: { threads?: number; memoryBudget?: number } = {}): {
  upscaler: Upscaler;
  folder: string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'upres-image-'));
  const upscaler = new Upscaler(options);
  afterAll(async () => {
    await upscaler.dispose({ cancel: true });
    rmSync(folder, { recursive: true, force: true });
  });
  return { upscaler, folder };
}
