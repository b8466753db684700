import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import type { Compiler, Configuration, Stats } from 'webpack';
import { type Bundler, bundlers, close, emittedBytes, makeSite, type Site } from './support/webpack.js';

/** Watches a site; every step changes something and waits until what is built is as expected. */
async function watching(
  bundler: Bundler,
  site: Site,
  use: (
    built: (expected: (exported: Record<string, unknown>, stats: Stats) => boolean) => Promise<Record<string, unknown>>,
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
          if (expected(exported, latest)) return exported;
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

    it.for([false, true])(
      'repeats what no one read until it is mended; what has errors is emitted: %s',
      async (emitOnErrors) => {
        const site = makeSite();
        let style = '';
        const copying = {
          apply: ({ hooks, webpack: { sources } }: Compiler) => {
            hooks.thisCompilation.tap('copy', (compilation) => {
              compilation.hooks.processAssets.tap('copy', () => {
                compilation.emitAsset('style.css', new sources.RawSource(style));
              });
            });
          },
        };
        const setting: Configuration = { plugins: [copying], optimization: { minimize: false, emitOnErrors } };
        const configuration = site.configuration(setting, { leftovers: 'warn' });
        const warned = ({ compilation }: Stats): string[] =>
          compilation.warnings.map(({ message }) => /\S+ still has "[^"]*"/.exec(message)?.[0] ?? message);
        let step = 0;
        const next = (): void => {
          site.write('src/index.js', `export const step = ${++step};`);
        };
        /** As another process, which finds the files of the one before it. */
        const expecting = async (...rounds: readonly (readonly [style: string, expected: readonly string[]])[]) => {
          await watching(
            bundler,
            site,
            async (built) => {
              for (const [index, [text, expected]] of rounds.entries()) {
                style = text;
                if (index > 0) next();
                let found: readonly string[] = [];
                await built((exported, stats) => {
                  found = warned(stats);
                  return exported.step === step;
                });
                expect(found).toEqual(expected);
              }
            },
            configuration,
          );
        };
        const styleOf = (url: string) => `.a { background: url(${url}) }`;
        const found = (url: string) => [styleOf(url), [`style.css still has "${url}"`]] as const;
        const [a, b] = [found('a.png?upscale=2'), found('b.png?upscale=2')];
        next();
        [style] = a;
        await expecting(a, a);
        await expecting(a, b, b, [styleOf('b.png'), []]);
      },
    );

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
