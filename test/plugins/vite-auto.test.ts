import { describe, expect, it } from 'vitest';
import upres, { type AutoOptions } from 'upres/vite';
import { build, makeLog, makeSite, vites } from './support/vite-site.js';

const unhashed = (text: string): string => text.replace(/-[\w-]{8}(?=\.)/g, '');

describe.for(vites)('auto, in Vite $version', (vite) => {
  const files = {
    'index.html': `<!doctype html><img alt="" src="photos/logo.png"><img alt="" src="photos/logo.png" width="5"><img alt="" src="photos/logo.png" srcset="photos/logo.png 1x">
      <img alt="" src="photos/wide.jpg"><img alt="" src="icons/logo.png"><img alt="" src="photos/drawn@2x.png"><link rel="stylesheet" href="/a.css">`,
    'a.css': `p { background: #fff url(photos/logo.png) no-repeat } q { cursor: url(photos/logo.png), auto } b { background-image: url(icons/logo.png) } i { background: image-set('photos/logo.png' 1x) }`,
  };
  const copyAll = async (): ReturnType<typeof makeSite> => {
    const site = await makeSite(files);
    await site.copy('palette.png', 'photos/logo.png');
    await site.copy('clipart-icon.png', 'photos/drawn@2x.png');
    await site.copy('palette.png', 'icons/logo.png');
    await site.copy('rocket.jpg', 'photos/wide.jpg');
    return site;
  };

  it('gives plain images of the site candidates and their layout’s size', async () => {
    const site = await copyAll();
    const log = makeLog();
    const auto = { include: 'photos/**', upscale: [2, 3], maxWidth: 100 };
    const built = await build(site, { vite, auto, log, config: { logLevel: 'info' } });
    const [first, sized, listed, wide, icon, drawn] = unhashed(built.text('.html')).match(/<img.*?>/g)!;
    const candidates = '/assets/logo.png 1x, /assets/logo@2x.png 2x, /assets/logo@3x.png 3x';
    expect(first).toContain(`srcset="${candidates}"`);
    expect(first).toContain('src="/assets/logo.png"');
    expect(first).toContain('width="10" height="10"');
    expect(sized).toContain(candidates);
    expect(sized).not.toContain('height');
    expect([listed, wide, icon, drawn]).toEqual([
      '<img alt="" src="/assets/logo.png" srcset="/assets/logo.png 1x">',
      '<img alt="" src="/assets/wide.jpg">',
      '<img alt="" src="/assets/logo.png">',
      '<img alt="" src="/assets/drawn@2x.png">',
    ]);
    const css = unhashed(built.text('.css'));
    expect(css).toContain(
      'p { background: #fff image-set(url("/assets/logo.png") 1x, url("/assets/logo@2x.png") 2x, url("/assets/logo@3x.png") 3x) no-repeat }',
    );
    expect(css).toMatch(
      /q \{ cursor: url\(\/assets\/logo\.png\), auto \} b \{ background-image: url\(\/assets\/logo\.png\) \}/,
    );
    expect(css).toMatch(/i \{ background: image-set\((?:url\()?'\/assets\/logo\.png'\)? 1x\) \}/);
    expect(log.lines.join('\n')).toMatch(/auto: 2 files besides what was there, [\d.]+ kB more/);
  });

  it('leaves sizes out where they are not wanted, and everything where it is off', async () => {
    const site = await copyAll();
    const without = await build(site, { vite, auto: { include: 'photos/logo.png', size: false } });
    expect(without.text('.html')).toContain('2x"');
    expect(without.text('.html')).not.toContain('height=');
    const off = await build(site, { vite });
    expect(off.text('.html')).not.toContain('2x"');
    expect(off.text('.css')).not.toContain('2x');
  });
});

describe('options', () => {
  it.for([
    [{ auto: {} }, 'auto.include is missing: it must be a glob'],
    [{ auto: { include: [] } }, 'auto.include must be a list, each of it a glob, not an empty list'],
    [{ auto: { include: '*', maxwidth: 3 } }, 'Did you mean "maxWidth"?'],
    [{ auto: { include: '*', upscale: 9 } }, 'upscale must be a number from 1 to 8'],
    [{ dev: 'quick' }, 'dev must be one of full, preview, off'],
    [{ outo: false }, 'Did you mean "auto"?'],
    [{ model: 'arts' }, 'Did you mean "art"?'],
  ] as [{ auto?: AutoOptions }, string][])('%o is refused at once', ([options, words]) => {
    expect(() => upres(options)).toThrow(words);
  });
});
