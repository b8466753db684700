import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runChild, type ChildResult } from '../support/child.js';
import { bundlers, makeSite, type Site } from './support/webpack.js';

const child = fileURLToPath(new URL('support/webpack-child.js', import.meta.url));

describe.for(Object.values(bundlers))('$name', (bundler) => {
  const build = (site: Site, ending: 'close' | 'leave'): Promise<ChildResult> =>
    runChild(child, [bundler.name, site.folder, ending]);

  describe('the process', () => {
    it('ends by itself after a build, with a summary; after a warm one too', async () => {
      const site = makeSite();
      site.write('src/index.js', `import './logo.png?upscale=2'; import './drawing.png?upscale=1;2&as=img';`);
      const cold = await build(site, 'close');
      expect(cold).toMatchObject({ code: 0, hung: false, stdout: 'built\nclosed\n' });
      expect(cold.stderr).toContain('3 pictures (2 computed, 1 as they were)');
      expect(cold.stderr).toContain('before and after of each: upres-report.html');
      expect(readFileSync(site.path('upres-report.html'), 'utf8')).toContain('<!doctype html>');
      const warm = await build(site, 'close');
      expect(warm).toMatchObject({ code: 0, hung: false });
      expect(warm.stderr).toContain('3 pictures (2 from the cache, 1 as they were)');
    });

    it('ends by itself when no one closes the compiler', async () => {
      const site = makeSite();
      site.write('src/index.js', `import './logo.png?upscale=2';`);
      expect(await build(site, 'leave')).toMatchObject({ code: 0, hung: false, stdout: 'built\n' });
    });

    it.for(['close', 'leave'] as const)('ends by itself after a failure (%s)', async (ending) => {
      const site = makeSite();
      site.write('src/index.js', `import './logo.png?upscale=2'; import './damaged.png?upscale=2';`);
      const bytes = readFileSync(site.path('src/drawing.png'));
      site.write('src/damaged.png', bytes.subarray(0, bytes.length / 2));
      const { hung, code, stdout } = await build(site, ending);
      expect({ hung, code, stdout: stdout.split('\n')[0] }).toEqual({ hung: false, code: 0, stdout: 'failed' });
    });
  });
});
