import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import type { Compiler, Stats } from 'webpack';
import { type Bundler, bundlers, close, emittedBytes, makeSite, type Site } from './support/webpack.js';

/** Watches a site; every step changes something and waits until what is built is as expected. */
async function watching(
  bundler: Bundler,
  site: Site,
  use: (
    built: (expected: (exported: Record<string, unknown>) => boolean) => Promise<Record<string, unknown>>,
  ) => Promise<void>,
  configuration = site.configuration(),
): Promise<void> {
  const compiler: Compiler = bundler.create(configuration);
  let wake: () => void = () => undefined;
  let latest: Stats | undefined;
  const watcher = compiler.watch({ aggregateTimeout: 20 }, (error, stats) => {
    expect(error).toBeNull();
    latest = stats;
    wake();
  });
  try {
    await use(async (expected) => {
      for (;;) {
        if (latest && !latest.hasErrors()) {
          const exported = { ...site.exported() };
          if (expected(exported)) return exported;
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    });
  } finally {
    await new Promise<void>((resolve) => {
      watcher!.close(() => {
        resolve();
      });
    });
    await close(compiler);
  }
}

describe.for(Object.values(bundlers))('$name', (bundler) => {
  describe('watching', () => {
    it('makes a changed source again', async () => {
      const site = makeSite();
      site.write('src/index.js', `export { default as url } from './logo.png?upscale=2';`);
      await watching(bundler, site, async (built) => {
        const { url } = await built(() => true);
        site.copy('clipart-icon.png', 'src/logo.png');
        await built((exported) => exported.url !== url);
      });
    });

    it('takes a picture made by hand as soon as it is there', async () => {
      const site = makeSite();
      site.write('src/index.js', `export { default as set } from './logo.png?upscale=1;2&as=srcset';`);
      await watching(bundler, site, async (built) => {
        const { set } = await built(() => true);
        site.copy('clipart-icon.png', 'src/logo@2x.png');
        const changed = await built((exported) => exported.set !== set);
        const url = /(\S+) 2x$/.exec(String(changed.set))![1]!;
        expect(Buffer.compare(emittedBytes(site, url), readFileSync(site.path('src/logo@2x.png')))).toBe(0);
      });
    });

    it('says what is new, and forgets what is gone', async () => {
      const site = makeSite();
      site.copy('palette.png', 'src/other.png');
      site.write('src/index.js', `export { default as a } from './logo.png?upscale=2'; export const b = '';`);
      const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const written = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
      const more = { infrastructureLogging: { level: 'info' as const } };
      try {
        await watching(
          bundler,
          site,
          async (built) => {
            await built(() => true);
            site.write('src/index.js', `export { default as b } from './other.png?upscale=2';`);
            await built(({ b }) => String(b).includes('other@2x'));
            const ours = (): string[] =>
              [...logged.mock.calls, ...written.mock.calls].map(String).filter((line) => line.includes('@2x.png'));
            await vi.waitFor(() => {
              expect(ours().filter((line) => line.includes('other@2x'))).toHaveLength(1);
            });
            expect(ours().filter((line) => line.includes('logo@2x'))).toHaveLength(1);
            const page = readFileSync(site.path('report.html'), 'utf8');
            expect(page).toContain('other@2x.png');
            expect(page).not.toContain('logo@2x.png');
          },
          site.configuration(more, { report: 'report.html' }),
        );
      } finally {
        logged.mockRestore();
        written.mockRestore();
      }
    });

    it('recovers when a refused query is mended', async () => {
      const site = makeSite();
      site.write('src/index.js', `export { default as url } from './logo.png?upscale=2';`);
      await watching(bundler, site, async (built) => {
        await built(() => true);
        site.write('src/index.js', `export { default as url } from './logo.png?upscale=9';`);
        site.write('src/index.js', `export { default as url } from './logo.png?upscale=3';`);
        await built(({ url }) => String(url).includes('logo@3x'));
      });
    });
  });
});
