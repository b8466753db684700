import { describe, expect, it } from 'vitest';
import { build, makeSite } from './support/vite-site.js';

const unhashed = (text: string): string => text.replace(/-[\w-]{8}(?=\.)/g, '');

/** The body of a page after a build. */
async function body(html: string): Promise<string> {
  const site = await makeSite({ 'index.html': `<!doctype html><html><head></head><body>${html}</body></html>` });
  return /<body>(.*)<\/body>/s.exec(unhashed((await build(site)).text('.html')))![1]!;
}

const twice = '/assets/logo@2x.png';

describe('attributes of a page', () => {
  it.for([
    ['without quotes', '<img src=logo.png?upscale=2>', `<img src="${twice}">`],
    ['in single quotes', `<img src='logo.png?upscale=2' alt="it's">`, `<img src="${twice}" alt="it's">`],
    ['with white space', '<img src = " logo.png?upscale=2 ">', `<img src = "${twice}">`],
    ['in upper case', '<IMG SRC="logo.png?upscale=2">', `<IMG SRC="${twice}">`],
    ['in a void element with a slash', '<img src="logo.png?upscale=2"/>', `<img src="${twice}"/>`],
    ['behind a > in another', '<img alt="1 > 0" src="logo.png?upscale=2">', `<img alt="1 > 0" src="${twice}">`],
    ['with entities', '<img src="logo&#46;png?upscale=2&amp;model=auto">', `<img src="${twice}">`],
    ['of links', '<a href="./logo.png?upscale=2">more</a>', `<a href="${twice}">more</a>`],
    ['of data', '<p data-image="/logo.png?upscale=2"></p>', `<p data-image="${twice}"></p>`],
    [
      'twice the same: the first counts',
      '<img src="logo.png?upscale=2" src="other.png">',
      `<img src="${twice}" src="other.png">`,
    ],
    ['between quotes gone astray', '<p title=a"b><img src="logo.png?upscale=2">', `<p title=a"b><img src="${twice}">`],
    [
      'in a template',
      '<template><img src="logo.png?upscale=2"></template>',
      `<template><img src="${twice}"></template>`,
    ],
    [
      'of a srcset with commas in it',
      '<img srcset="data:image/gif;base64,AA 1x,logo.png?upscale=2 2x">',
      `<img srcset="data:image/gif;base64,AA 1x, ${twice} 2x">`,
    ],
    ['of a srcset without descriptors', '<img srcset="logo.png?upscale=2">', `<img srcset="${twice}">`],
    ['of a srcset for a script', '<img data-srcset="logo.png?upscale=2 2x">', `<img data-srcset="${twice} 2x">`],
    ['of a list', '<p data-all="logo.png?upscale=2, a.png"></p>', `<p data-all="${twice}, a.png"></p>`],
    ['of a list without blanks', '<p data-all="a.png,logo.png?upscale=2"></p>', `<p data-all="a.png,${twice}"></p>`],
    ['of JSON', `<p data-a='{"a":"logo.png?upscale=2"}'></p>`, `<p data-a="{&quot;a&quot;:&quot;${twice}&quot;}"></p>`],
    ['of a script', `<p onclick="go('logo.png?upscale=2')"></p>`, `<p onclick="go('${twice}')"></p>`],
    ['of a style for a script', '<p data-bg="url(logo.png?upscale=2)"></p>', `<p data-bg="url('${twice}')"></p>`],
    [
      'of a page',
      `<iframe srcdoc="<img src='logo.png?upscale=2'>"></iframe>`,
      `<iframe srcdoc="&lt;img src=&quot;${twice}&quot;>"></iframe>`,
    ],
    ['with widths', '<img sizes=9px srcset="logo.png?upscale=2 20w">', `<img sizes=9px srcset="${twice} 20w">`],
  ] as const)('%s', async ([, written, built]) => {
    expect(await body(written)).toBe(built);
  });

  it('of a style without quotes, where blanks would end the value', async () => {
    const built = await body('<p style=background:url(logo.png?upscale=1;2&as=srcset)></p>');
    expect(built).toMatch(/^<p style="background:image-set\([^"]+ 1x, [^"]+ 2x\)"><\/p>$/);
  });

  it.for([
    ['comments', '<!-- <img src="logo.png?upscale=2"> -->'],
    ['text', '&lt;img src="logo.png?upscale=2"&gt; 3 < 4 logo.png?upscale=2'],
    ['scripts that are data', '<script type="application/json">{"a": "<img src=nowhere.png?upscale=2>"}</script>'],
    ['text areas', '<textarea><img src="logo.png?upscale=2"></textarea>'],
    ['sentences', '<img alt="what hero.png?upscale=2 does"><meta content="Write logo.png?upscale=2 there">'],
    ['names', '<img alt="logo.png?upscale=2" aria-label="logo.png?upscale=2">'],
    ['other sites', '<img src="//cdn.example/logo.png?upscale=2">'],
  ] as const)('leaves alone: %s', async ([, written]) => {
    expect(await body(written)).toBe(written);
  });

  it('takes a picture’s parts one by one', async () => {
    expect(
      await body(
        '<picture><source srcset="logo.png?upscale=1;2&format=webp&as=srcset" type="image/webp"><img src="logo.png?upscale=1;2&as=img"></picture>',
      ),
    ).toBe(
      '<picture><source srcset="/assets/logo.webp 1x, /assets/logo@2x.webp 2x" type="image/webp">' +
        `<img srcset="/assets/logo.png 1x, ${twice} 2x" width="10" height="10" src="/assets/logo.png"></picture>`,
    );
  });

  it('says what is wrong with a candidate', async () => {
    await expect(body('<img srcset="logo.png?upscale=1;2&as=srcset 2x">')).rejects.toThrow('leave out "2x"');
    await expect(body('<img srcset="logo.png?upscale=2&as=img">')).rejects.toThrow('as=img has no meaning in a srcset');
  });
});

it('finds files whose names have blanks', async () => {
  const site = await makeSite({ 'index.html': '<!doctype html><img src="my logo.png?upscale=2">' });
  await site.copy('clipart-icon.png', 'my logo.png');
  expect(unhashed((await build(site)).text('.html'))).toMatch(/<img src="\/assets\/my(?: |%20|_)logo@2x\.png">/);
});
