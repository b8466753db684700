import { describe, expect, it, vi } from 'vitest';
import { Upscaler } from '#src/image/upscale.js';
import { ordersInFlight, until } from '../support/pool.js';
import { bundlers, close, makeSite, run, told } from './support/webpack.js';

describe.for(Object.values(bundlers))('$name', (bundler) => {
  const upscale = vi.spyOn(Upscaler.prototype, 'upscale');

  describe('several compilers at once', () => {
    it('compute together what they both want, and give it the same names', async () => {
      const site = makeSite();
      site.write('src/index.js', `export { default as set } from './drawing.png?upscale=2;3&model=art&as=srcset';`);
      upscale.mockClear();
      const compiler = bundler.createMany([
        site.configuration({ name: 'client' }, { cache: false }),
        site.configuration({ name: 'server', output: { path: site.path('server') } }, { cache: false }),
      ]);
      expect(told(await run(compiler))).toEqual({ errors: [], warnings: [] });
      await close(compiler);
      // Without a cache, only shared work is not done twice.
      expect(upscale).toHaveBeenCalledTimes(2);
      expect(site.exported('server/main.js').set).toBe(site.exported().set);
    });

    it('do not end each other’s work', async () => {
      const site = makeSite();
      site.write('src/index.js', `export { default as url } from './logo.png?upscale=2';`);
      const first = bundler.create(site.configuration());
      const second = bundler.create(site.configuration({ output: { path: site.path('server') } }));
      await run(first);
      site.write('src/index.js', `export { default as set } from './photo.jpg?upscale=2;3&as=srcset';`);
      const running = run(second);
      await until(() => ordersInFlight() > 0);
      await close(first);
      expect(told(await running)).toEqual({ errors: [], warnings: [] });
      await close(second);
    });

    it('can run again and again', async () => {
      const site = makeSite();
      site.write('src/index.js', `export { default as url } from './logo.png?upscale=2';`);
      const compiler = bundler.create(site.configuration());
      for (const factor of [2, 3]) {
        site.write('src/index.js', `export { default as url } from './logo.png?upscale=${factor}';`);
        expect(told(await run(compiler)).errors).toEqual([]);
        expect(site.exported().url).toMatch(new RegExp(`logo@${factor}x`));
      }
      await close(compiler);
    });
  });
});
