import { readFileSync, rmSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { UpresError } from '#src/errors.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import type { AssetOptions } from '#src/asset/options.js';
import { Upscaler } from '#src/image/upscale.js';
import { plainNetwork } from '../support/networks.js';
import { build, type Built, bundlers, emittedBytes, makeSite, type Site } from './support/webpack.js';

const entry = `
  export { default as url } from './logo.png?upscale=2';
  export { default as set } from './drawing.png?upscale=1;2&format=webp&as=srcset';`;

/** What the bundler keeps from one process to the next must be neither too little nor too much. */
describe.for(Object.values(bundlers))('$name', (bundler) => {
  const upscale = vi.spyOn(Upscaler.prototype, 'upscale');
  const plan = vi.spyOn(AssetPipeline.prototype, 'plan');

  beforeEach(() => {
    upscale.mockClear();
    plan.mockClear();
  });

  async function rebuild(
    site: Site,
    options: AssetOptions = {},
  ): Promise<Built & { readonly value: Record<string, unknown> }> {
    upscale.mockClear();
    plan.mockClear();
    const built = await build(
      bundler,
      site.configuration({ cache: bundler.persistentCache(site.path('kept')) }, options),
    );
    return { ...built, value: { ...site.exported() } };
  }

  function newSite(text: string): Site {
    const site = makeSite();
    site.write('src/index.js', text);
    return site;
  }

  describe('the bundler’s persistent cache', () => {
    it('does nothing again when nothing changed, and gives the same files', async () => {
      const site = newSite(entry);
      const { value, errors } = await rebuild(site);
      expect(errors).toEqual([]);
      expect(upscale).toHaveBeenCalledTimes(3);
      const names = site.emitted();
      const bytes = names.map((name) => readFileSync(site.path('dist', name)));
      const again = await rebuild(site);
      expect(again).toEqual({ value, errors: [], warnings: [] });
      expect(plan).not.toHaveBeenCalled();
      expect(upscale).not.toHaveBeenCalled();
      expect(site.emitted()).toEqual(names);
      expect(names.map((name) => readFileSync(site.path('dist', name)))).toEqual(bytes);
    });

    it('makes the files again when they were removed from the output', async () => {
      const site = newSite(entry);
      await rebuild(site);
      const names = site.emitted();
      rmSync(site.path('dist'), { recursive: true });
      await rebuild(site);
      expect(site.emitted()).toEqual(names);
    });

    it('sees changed options', async () => {
      const site = newSite(entry);
      const { value } = await rebuild(site);
      const { value: changed } = await rebuild(site, { model: 'natural' });
      expect(upscale).toHaveBeenCalled();
      expect(changed.url).not.toBe(value.url);
      expect((await rebuild(site)).value).toEqual(value);
    });

    it('sees a changed source, and computes nothing else', async () => {
      const site = newSite(entry);
      const { value } = await rebuild(site);
      site.copy('clipart-icon.png', 'src/logo.png');
      const { value: changed } = await rebuild(site);
      expect(upscale).toHaveBeenCalledTimes(1);
      expect(changed.url).not.toBe(value.url);
      expect(changed.set).toBe(value.set);
    });

    it('sees a changed network of one’s own', async () => {
      const site = newSite(`export { default as url } from './logo.png?upscale=2&model=own';`);
      const options = { models: { own: 'own.onnx' } };
      site.write('own.onnx', plainNetwork({ seed: 1 }));
      const { value, errors } = await rebuild(site, options);
      expect(errors).toEqual([]);
      await rebuild(site, options);
      expect(plan).not.toHaveBeenCalled();
      site.write('own.onnx', plainNetwork({ seed: 2 }));
      const { value: changed } = await rebuild(site, options);
      expect(changed.url).not.toBe(value.url);
    });

    it('sees pictures made by hand come and go', async () => {
      const site = newSite(entry.replace('&format=webp', ''));
      const { value } = await rebuild(site);
      site.copy('clipart-icon.png', 'src/logo@2x.png');
      const { value: changed } = await rebuild(site);
      expect(changed.set).toBe(value.set);
      expect(Buffer.compare(emittedBytes(site, String(changed.url)), readFileSync(site.path('src/logo@2x.png')))).toBe(
        0,
      );
      rmSync(site.path('src/logo@2x.png'));
      expect((await rebuild(site)).value).toEqual(value);
    });

    it('does not keep what took the place of a failed result', async () => {
      const site = newSite(`export { default as url } from './logo.png?upscale=2';`);
      upscale.mockRejectedValueOnce(new UpresError('INFERENCE_FAILED', 'no memory left'));
      const { warnings } = await rebuild(site, { onError: 'original' });
      expect(warnings.join()).toContain('src/logo.png?upscale=2: no memory left');
      const { warnings: none, value } = await rebuild(site, { onError: 'original' });
      expect(none).toEqual([]);
      expect(value.url).toMatch(/logo@2x\./);
    });
  });
});
