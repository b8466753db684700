import { expect, it } from 'vitest';
import { rewriteFile } from '#src/asset/site/rewrite-file.js';
import type { SitePictures } from '#src/asset/site/site-pictures.js';
import { SiteUrls } from '#src/asset/site/site-urls.js';

/** Quadratic work on a megabyte takes hours, so it is no matter of the clock whether this ends. */
it.for([
  ['base64', 'QUJD'.repeat(2 ** 18)],
  ['tags', '<a '.repeat(2 ** 18)],
  ['quotes', '"'.repeat(2 ** 20)],
  ['ends of tags', '>'.repeat(2 ** 20)],
  ['comments', '<!--'.repeat(2 ** 18)],
  ['CDATA', '<![CDATA['.repeat(2 ** 17)],
  ['styles', '<style>'.repeat(2 ** 17)],
  ['entities', '&lt;'.repeat(2 ** 18)],
  ['pictures', '<picture>'.repeat(2 ** 17)],
] as const)('a reference is found in a megabyte of %s', async ([, text]) => {
  for (const file of ['feed.xml', 'drawing.svg', 'index.html', 'style.css']) {
    const reference = file === 'style.css' ? 'p{background:url(a.png?upscale=2)}' : '<img src="a.png?upscale=2"/>';
    const before = process.cpuUsage();
    const told: string[] = [];
    await rewriteFile(`${reference}${text}`, file, {
      urls: new SiteUrls('/site'),
      pictures: { plan: () => Promise.reject(new Error('no picture')) } as unknown as SitePictures,
      auto: undefined,
      tell: (url) => told.push(url),
    });
    expect(told).toContain('a.png?upscale=2');
    expect(process.cpuUsage(before).user / 1e6, file).toBeLessThan(10);
  }
});
