import { expect, it } from 'vitest';
import { cssUrls } from '#src/asset/css-values.js';

it.for([
  ['url(a.png)', 'a.png'],
  ['URL( a/b.png )', 'a/b.png'],
  [`Url("a b.png")`, 'a b.png'],
  [String.raw`url(a\ \(b\).png)`, 'a (b).png'],
  [String.raw`url("\e4 \0000f6.png")`, 'äö.png'],
  [String.raw`url(\61\62 .png)`, 'ab.png'],
  ['url("a\\\nb.png")', 'ab.png'],
  ['url("a.png" crossorigin(anonymous))', 'a.png'],
  ['cross-fade(url(a.png), red)', 'a.png'],
  ['-webkit-image-set("a.png" 1x)', 'a.png'],
  ['url(a.png', 'a.png'],
] as const)('%s names %s', ([css, url]) => {
  expect(cssUrls(css).map((found) => found.url)).toEqual([url]);
});
